// What a page does, as a command for the shell. Pure.

const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;

const word = (text: string): string => (/^[\w@.-]+$/.test(text) ? text : quoted(text));

/** It asks for the password of USER itself. */
export function byCurl(method: string, url: string, options: readonly string[] = []): string {
  const words = ["curl", "-X", method, "-u", "USER", ...options.map(word)];
  return `${words.join(" ")} \\\n  ${quoted(url)}`;
}

/** Fields that hold a secret. */
const SECRETS = new Set(["cluster_key", "password"]);

/** Of a URL. */
const PASSWORD = /(:\/\/[^/:@]*:)[^/?]*(?=@)/;
/** Those that the node hides, too. */
const PARAMETERS = /([?&](?:password|passwd|pass|token|key|secret|auth|signature)=)[^&]*/gi;

/** Whoever runs the command types the secrets: it may be kept, or shown to others. */
function untold(field: string, value: unknown): unknown {
  if (typeof value !== "string" || value === "") return value;
  if (SECRETS.has(field)) return "***";
  return value.replace(PASSWORD, "$1***").replace(PARAMETERS, "$1***");
}

/** With `isNew` it is refused where the thing is there already. */
export function putByCurl(url: string, body: unknown, isNew = false): string {
  const condition = isNew ? ["-H", "If-None-Match: *"] : [];
  return byCurl("PUT", url, [...condition, "-d", JSON.stringify(body, untold)]);
}
