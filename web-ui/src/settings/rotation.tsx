// How far a change of the cluster key has come: which peers still show an older key.

import { isAlias } from "../cluster/rows";
import { liveRows } from "../cluster/store";
import { rotationStrings } from "./strings";

/** Nothing where no change is under way. */
export function Rotation({ acceptsOlder }: { acceptsOlder: boolean }) {
  const peers = (liveRows.value ?? []).filter((row) => !row.isThisNode && !isAlias(row));
  const using = peers.filter(({ clusterKey }) => clusterKey === "current").length;
  const older = peers.filter(({ clusterKey }) => clusterKey === "accepted");
  const others = peers.filter(({ clusterKey }) => clusterKey === null);
  const isUnderWay = older.length > 0 || (acceptsOlder && using > 0);
  if (!isUnderWay) return null;
  const names = (rows: typeof peers): string[] => rows.map(({ name }) => name);
  return (
    <p class="rotation note">
      <b>{rotationStrings.using(using, peers.length)}</b>
      {older.length > 0 && ` ${rotationStrings.older(names(older))}`}
      {others.length > 0 && ` ${rotationStrings.notKnown(names(others))}`}
      {using === peers.length && ` ${rotationStrings.isOver}`}
    </p>
  );
}
