// The peers that this node knows: how each is doing, and the ways to edit and to remove it.

import { sortRows } from "../cluster/order";
import { liveRows } from "../cluster/store";
import { MISSING } from "../format";
import { Deed } from "../frame/deed";
import { CELLS } from "../overview/cells";
import { linkTo } from "../router";
import { strings } from "../strings";
import { rotationStrings } from "./strings";

/** Strokes in a box of 16 by 16. */
const EDIT = "M2.5 13.5l.8-3.3 8-8 2.5 2.5-8 8zM9.6 3.9l2.5 2.5";
const REMOVE = "M2.5 4.5h11M6 4.5v-2h4v2M4 4.5l.7 9h6.6l.7-9";

function Icon({ path }: { path: string }) {
  return (
    <svg class="symbol" viewBox="0 0 16 16" width="16" height="16" aria-hidden="true">
      <path d={path} />
    </svg>
  );
}

export function PeerList({ onRemove }: { onRemove: (hostname: string) => void }) {
  const peers = (liveRows.value ?? []).filter((row) => !row.isThisNode);
  if (peers.length === 0) return <p class="none">{strings.emptyTitle}</p>;
  return (
    <section aria-labelledby="peers">
      <h2 id="peers">{strings.peers}</h2>
      <ul class="peers">
        {sortRows(peers, { key: "name", direction: "asc" }).map((row) => (
          <li key={row.key}>
            {CELLS.name(row)}
            <span class="address">{row.apiUrl ?? MISSING}</span>
            <span class="state-and-key">
              {CELLS.state(row)}
              {row.clusterKey === "accepted" && (
                <span class="tag caution" title={rotationStrings.olderKeyMeans}>
                  <span aria-hidden="true">⚠</span> {rotationStrings.olderKey}
                </span>
              )}
            </span>
            <span class="acts">
              <Deed
                class="icon"
                label={strings.editPeer(row.name)}
                href={linkTo("peers", row.name)}
              >
                <Icon path={EDIT} />
              </Deed>
              <Deed
                class="icon"
                label={strings.removePeer(row.name)}
                onClick={() => onRemove(row.name)}
              >
                <Icon path={REMOVE} />
              </Deed>
            </span>
          </li>
        ))}
      </ul>
    </section>
  );
}
