// A change that a form makes, as a command for the shell. Pure.

const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;

/** It asks for the password of USER itself. */
export function putByCurl(url: string, body: unknown): string {
  return `curl -X PUT -u USER -d ${quoted(JSON.stringify(body))} \\\n  ${quoted(url)}`;
}
