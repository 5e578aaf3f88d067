// Asks before a peer is removed, and says what is there.

import { useEffect, useRef, useState } from "preact/hooks";
import { send } from "../api/http";
import { peerPath } from "../api/paths";
import { announcement, peerRow, retry } from "../cluster/store";
import { Confirmation } from "../form/confirmation";
import { formatCount } from "../format";
import { linkTo } from "../router";
import { strings } from "../strings";
import { countRelayed } from "./relayed";
import { relayedLoss } from "./strings";

/** What is lost here by it; nothing while it is counted, or where there is none. */
function Relayed({ hostname }: { hostname: string }) {
  const [viewers, setViewers] = useState<number | null>(0);
  useEffect(() => {
    const stop = new AbortController();
    countRelayed(hostname, stop.signal).then(setViewers, () => setViewers(null));
    return () => stop.abort();
  }, [hostname]);
  return <p role="status">{viewers !== 0 && relayedLoss(viewers)}</p>;
}

export function Removal({ hostname, onClose }: { hostname: string; onClose: () => void }) {
  const stats = peerRow(hostname)?.stats;
  const isDone = useRef(false);
  const remove = async (): Promise<void> => {
    await send(peerPath(hostname), { method: "DELETE" });
    isDone.current = true;
    location.hash = linkTo("settings"); // The list of those that are left.
    announcement.value = strings.peerRemoved(hostname);
    retry();
  };
  const close = (): void => {
    onClose();
    // The button that would get the focus back goes with its row, or its page.
    if (isDone.current) document.getElementById("content")?.focus();
  };
  const isKnown = stats && (stats.streams !== null || stats.clients !== null);
  return (
    <Confirmation
      title={strings.removeTitle(hostname)}
      verb={strings.remove}
      act={remove}
      onClose={close}
    >
      <p>
        {isKnown
          ? strings.removeLoss(formatCount(stats.streams), formatCount(stats.clients))
          : strings.removeUnknown}
      </p>
      <Relayed hostname={hostname} />
      <p>{strings.removeMeans}</p>
    </Confirmation>
  );
}
