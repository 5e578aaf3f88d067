// Peer: its settings as a form, and below what this node last heard from it, and in the last hour.

import { readHistory } from "../api/history";
import { peerHistoryPath, peerPath } from "../api/paths";
import type { Pace } from "../api/poll";
import { peerRow } from "../cluster/store";
import { Loaded } from "../form/loaded";
import { Back } from "../frame/back";
import { Gate } from "../frame/gate";
import { Title } from "../frame/notices";
import { useWatched } from "../frame/watched";
import { linkTo } from "../router";
import { strings } from "../strings";
import { PeerFacts } from "./facts";
import { PeerForm } from "./form";
import { History } from "./history";

/** As often as there is a new sample. */
const PACE: Pace = { intervalMs: 10_000 };

function Heard({ hostname }: { hostname: string }) {
  const watched = useWatched(peerHistoryPath(hostname), readHistory, PACE);
  if (!peerRow(hostname)) return null;
  return (
    <>
      <PeerFacts hostname={hostname} history={watched.value} />
      <History watched={watched} />
    </>
  );
}

export function PeerPage({ hostname }: { hostname: string }) {
  return (
    <>
      <Back href={linkTo("settings")}>{strings.settingsTitle}</Back>
      <Title text={strings.peerTitle(hostname)} liveMs={null} />
      <Gate>
        <Loaded path={peerPath(hostname)}>
          {(reply) => <PeerForm hostname={hostname} reply={reply} />}
        </Loaded>
        <Heard hostname={hostname} />
      </Gate>
    </>
  );
}
