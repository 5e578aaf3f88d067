// What is wrong with the cluster as a whole; each finding becomes a banner. Pure.

import { isAlias, type Row } from "./rows";

export type Finding =
  | { kind: "partition"; unreachable: number; peers: number }
  | { kind: "key"; names: string[] }
  | { kind: "clock"; names: string[] }
  | { kind: "version"; names: string[] };

/** Signed requests are refused from 30 s of difference on. */
const CLOCK_OFFSET_MAX_MS = 30_000;

export function findFindings(rows: readonly Row[]): Finding[] {
  const peers = rows.filter((row) => !row.isThisNode && !isAlias(row));
  const names = (wanted: (row: Row) => boolean): string[] =>
    peers.filter(wanted).map((row) => row.name);

  const findings: Finding[] = [];
  // With this node on the smaller side of the cluster, the fault is more likely near this node.
  // A peer that never answered tells nothing of that: its address may be wrong.
  const heard = peers.filter((row) => row.ageMs !== null);
  const unreachable = heard.filter((row) => row.state === "down").length;
  if (heard.length >= 2 && unreachable * 2 > heard.length) {
    findings.push({ kind: "partition", unreachable, peers: heard.length });
  }
  const refused = names((row) => row.state === "unauthorized");
  if (refused.length > 0) findings.push({ kind: "key", names: refused });
  const skewed = names((row) => Math.abs(row.clockOffsetMs ?? 0) > CLOCK_OFFSET_MAX_MS);
  if (skewed.length > 0) findings.push({ kind: "clock", names: skewed });
  const differing = names((row) => row.versionDiffers);
  if (differing.length > 0) findings.push({ kind: "version", names: differing });
  return findings;
}
