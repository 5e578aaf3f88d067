// The overview's live state: the newest snapshot, how the connection is, and the pause button.

import { batch, computed, effect, signal, type ReadonlySignal } from "@preact/signals";
import type { ApiProblem } from "../api/http";
import { closeSession, openSession } from "../api/http";
import type { ClusterSource } from "../api/cluster_source";
import type { ClusterSnapshot } from "../api/model";
import { strings } from "../strings";
import { findFindings } from "./findings";
import { History } from "./history";
import { buildRows, isAlias, sumRows, type Row } from "./rows";

/** The problem that keeps new data away, and since when; null while all is well. */
export interface Trouble {
  problem: ApiProblem;
  sinceMs: number;
}

const snapshot = signal<ClusterSnapshot | null>(null);
const frozen = signal<ClusterSnapshot | null>(null);
/** The first one, of when the page was loaded: the policy of the page was made of that. */
const first = signal<ClusterSnapshot | null>(null);

export const trouble = signal<Trouble | null>(null);
/** This browser's clock, ticking once a second, for ages between two answers. */
export const nowMs = signal(Date.now());
/** What this node's clock says now, which its times are to be compared with. */
export const nodeNowMs = computed(() => {
  const { node, receivedAtMs = 0 } = snapshot.value ?? {};
  return nowMs.value + (node?.nowMs ? node.nowMs - receivedAtMs : 0);
});
export const lastDataMs = computed(() => snapshot.value?.receivedAtMs ?? null);
export const isPaused = computed(() => frozen.value !== null);
/** From when the frozen numbers are. */
export const pausedAtMs = computed(() => frozen.value?.receivedAtMs ?? null);

const rowsOf = (from: ReadonlySignal<ClusterSnapshot | null>): ReadonlySignal<Row[] | null> =>
  computed(() => from.value && buildRows(from.value, strings.brokenConfig));

/** By the newest data, paused or not. */
export const liveRows = rowsOf(snapshot);
const frozenRows = rowsOf(frozen);
/** What is shown: the live rows, or those of the moment of the pause. */
export const rows = computed(() => frozenRows.value ?? liveRows.value);
export const totals = computed(() => rows.value && sumRows(rows.value));
export const findings = computed(() => (rows.value ? findFindings(rows.value) : []));
/** Another text whenever streams or clients come and go anywhere, or a node does. */
export const pulse = computed(() =>
  JSON.stringify(
    (liveRows.value ?? []).map(({ name, state, stats: { clients, streams, streamsOnline } }) => [
      name,
      state,
      clients,
      streams,
      streamsOnline,
    ]),
  ),
);
/** Peers that are not up, by the newest data, paused or not: for the title and the icon. */
export const peersNotUp = computed(
  () => (liveRows.value ?? []).filter((row) => !isAlias(row) && row.state !== "up").length,
);

const namesOf = (all: Row[] | null): string[] =>
  (all ?? []).filter((row) => !isAlias(row)).map((row) => row.name);

/** The names of all nodes, as `running_on` has them: a peer's is the one it is configured by. */
export const nodeNames = computed(() => namesOf(liveRows.value));
const firstRows = rowsOf(first);
/** The same when the page was loaded: its policy lets their pictures in. None before an answer. */
export const firstNames = computed(() => namesOf(firstRows.value));

/** Where peers send clients. */
const addressesOf = (from: ClusterSnapshot | null): string =>
  JSON.stringify(from?.peers.map((peer) => [peer.hostname, peer.apiUrl, peer.publicPayloadUrl]));

/** Would the page have another policy if it was loaded now, and can it be? */
export const isOutdated = (): boolean =>
  !trouble.peek() && addressesOf(snapshot.peek()) !== addressesOf(first.peek());

/** This node's own hostname. */
export const ownName = computed(() => snapshot.value?.node.hostname ?? null);

/** A peer's row by the newest data. */
export function peerRow(hostname: string): Row | undefined {
  return liveRows.value?.find((row) => !row.isThisNode && row.name === hostname);
}

/** The last minutes of each node's output. */
export const history = new History();

const outputs = (all: Row[]): Map<string, number | null> =>
  new Map(
    all.map((row) => [row.key, row.freshness === "fresh" ? row.stats.outputKbit : null] as const),
  );

/** Changes of state since the last answer, as one sentence for screen readers. */
export const announcement = signal("");

export function togglePause(): void {
  frozen.value = frozen.value ? null : snapshot.value;
}

function announceChanges(before: Row[] | null, after: Row[] | null): void {
  if (!before || !after) return;
  const known = new Map(before.map((row) => [row.key, row.state]));
  const changed = after.filter((row) => known.has(row.key) && known.get(row.key) !== row.state);
  if (changed.length === 0) return;
  announcement.value = changed
    .map((row) => strings.stateChanged(row.name, strings.states[row.state].word))
    .join(" ");
}

let stop: (() => void) | null = null;
let chosenSource: ClusterSource | null = null;

/** Begins to follow `source`; a second call starts afresh. */
export function follow(source: ClusterSource): void {
  stop?.();
  chosenSource = source;
  stop = source({
    onSnapshot: (next) =>
      batch(() => {
        const before = liveRows.peek();
        snapshot.value = next;
        nowMs.value = next.receivedAtMs;
        trouble.value = null;
        first.value ??= next;
        history.record(outputs(liveRows.value ?? []), next.receivedAtMs);
        announceChanges(before, liveRows.value);
      }),
    onProblem: (problem) => {
      trouble.value = { problem, sinceMs: trouble.peek()?.sinceMs ?? Date.now() };
    },
  });
}

/** Grows each time a person wants a new try: all that is watched starts afresh. */
export const attempt = signal(0);

/** Tries again at once. */
export function retry(): void {
  attempt.value += 1;
  if (chosenSource) follow(chosenSource);
}

/** Throws only `ApiProblem`. */
export async function signIn(user: string, password: string): Promise<void> {
  await openSession(user, password);
  retry();
}

/** Shows what the node lets anybody see, whether or not it could be told. */
export async function signOut(): Promise<void> {
  await closeSession().finally(retry);
}

/** The heading of the page that is shown. */
export const pageTitle = signal("");

/** Keeps the clock and the document's title going; called once at the start. */
export function startClock(): void {
  setInterval(() => {
    if (!document.hidden) nowMs.value = Date.now();
  }, 1000);
  effect(() => {
    document.title = strings.documentTitle(peersNotUp.value, pageTitle.value);
  });
}
