// Peer: what this node last heard from it, its settings as a form, and its last hour.

import { useState } from "preact/hooks";
import { readHistory } from "../api/history";
import { peerHistoryPath, peerPath } from "../api/paths";
import type { Pace } from "../api/poll";
import { peerRow } from "../cluster/store";
import { Loaded } from "../form/loaded";
import { Back } from "../frame/back";
import { Deed } from "../frame/deed";
import { Gate } from "../frame/gate";
import { Title } from "../frame/notices";
import { useWatched } from "../frame/watched";
import { linkTo } from "../router";
import { Removal } from "../settings/removal";
import { strings } from "../strings";
import { PeerFacts } from "./facts";
import { PeerForm } from "./form";
import { History } from "./history";

/** As often as there is a new sample. */
const PACE: Pace = { intervalMs: 10_000 };

function Deeds({ hostname }: { hostname: string }) {
  const [isRemoving, setRemoving] = useState(false);
  return (
    <div class="actions deeds">
      <Deed class="danger" onClick={() => setRemoving(true)}>
        {strings.remove}
      </Deed>
      {isRemoving && <Removal hostname={hostname} onClose={() => setRemoving(false)} />}
    </div>
  );
}

function Content({ hostname }: { hostname: string }) {
  const watched = useWatched(peerHistoryPath(hostname), readHistory, PACE);
  const isKnown = Boolean(peerRow(hostname));
  return (
    <>
      {isKnown && <Deeds hostname={hostname} />}
      <PeerFacts hostname={hostname} history={watched.value} />
      <Loaded path={peerPath(hostname)}>
        {(reply) => <PeerForm hostname={hostname} reply={reply} />}
      </Loaded>
      {isKnown && <History watched={watched} />}
    </>
  );
}

export function PeerPage({ hostname }: { hostname: string }) {
  return (
    <>
      <Back href={linkTo("settings")}>{strings.settingsTitle}</Back>
      <Title text={strings.peerTitle(hostname)} liveMs={null} />
      <Gate>
        <Content hostname={hostname} />
      </Gate>
    </>
  );
}
