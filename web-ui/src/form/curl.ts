// What a page does, as a command for the shell. Pure.

const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;

const word = (text: string): string => (/^[\w@.-]+$/.test(text) ? text : quoted(text));

/** It asks for the password of USER itself. */
export function byCurl(method: string, url: string, options: readonly string[] = []): string {
  const words = ["curl", "-X", method, "-u", "USER", ...options.map(word)];
  return `${words.join(" ")} \\\n  ${quoted(url)}`;
}

export function putByCurl(url: string, body: unknown): string {
  return byCurl("PUT", url, ["-d", JSON.stringify(body)]);
}
