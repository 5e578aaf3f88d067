// The API's paths with a name in them, below its base.

export function peerPath(hostname: string): string {
  return `cluster/peers/${encodeURIComponent(hostname)}`;
}
