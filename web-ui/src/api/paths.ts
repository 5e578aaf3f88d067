// The API's paths with a name in them, below its base.

export function peerPath(hostname: string): string {
  return `cluster/peers/${encodeURIComponent(hostname)}`;
}

/** What this node remembers of the peer's last hour. */
export function peerHistoryPath(hostname: string): string {
  return `${peerPath(hostname)}/history`;
}
