// Who watches through this node what it relays from a peer.
//
// A node plays to its clients its own streams, and relays the others: so they are the sessions of
// streams that only that peer has. Those that another node has, too, are taken from there.

import { getJson } from "../api/http";
import { readSessions, readStreams, type Page } from "../api/streams";

/** Of more, the number is not worth its bytes. */
const LIMIT = 1000;

async function all<Item>(
  read: (value: unknown) => Page<Item>,
  collection: string,
  wanted: Record<string, string>,
  stop: AbortSignal,
): Promise<Item[] | null> {
  const parameters = new URLSearchParams({ limit: `${LIMIT}`, ...wanted });
  const page = read(await getJson(`${collection}?${parameters}`, stop));
  return page.next === null ? page.items : null;
}

/** Null: not known. Throws only `ApiProblem`. */
export async function countRelayed(peer: string, stop: AbortSignal): Promise<number | null> {
  const held = { named_by: "remote", "stats.running_on": peer };
  const select = "name,stats.running_on";
  const [streams, sessions] = await Promise.all([
    all(readStreams, "streams", { ...held, select }, stop),
    all(readSessions, "sessions", { type: "play", select: "name" }, stop),
  ]);
  if (!streams || !sessions) return streams?.length === 0 || sessions?.length === 0 ? 0 : null;
  const only = streams.filter(({ runningOn }) => runningOn.length === 1);
  const names = new Set<string | null>(only.map(({ name }) => name));
  return sessions.filter(({ stream }) => names.has(stream)).length;
}
