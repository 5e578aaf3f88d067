// What may be typed as a new peer's hostname. Pure.

export type HostnameFault = "missing" | "port" | "form" | "known";

const HOSTNAME = /^[a-z0-9._-]{1,253}$/i;

/** Names only: a port, or a whole URL, belongs to the API URL of the peer that is made. */
export function hostnameFault(typed: string, known: readonly string[]): HostnameFault | null {
  if (typed === "") return "missing";
  if (/[:/]/.test(typed)) return "port";
  if (!HOSTNAME.test(typed)) return "form";
  return known.includes(typed) ? "known" : null;
}
