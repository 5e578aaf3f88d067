// Peer: its settings as a form, and below what this node last heard from it.

import { peerPath } from "../api/paths";
import { Loaded } from "../form/loaded";
import { Gate } from "../frame/gate";
import { Title } from "../frame/notices";
import { linkTo } from "../router";
import { strings } from "../strings";
import { PeerFacts } from "./facts";
import { PeerForm } from "./form";

export function PeerPage({ hostname }: { hostname: string }) {
  return (
    <>
      <p class="back">
        <a href={linkTo("settings")}>{strings.settingsTitle}</a>
      </p>
      <Title text={strings.peerTitle(hostname)} liveMs={null} />
      <Gate>
        <Loaded path={peerPath(hostname)}>
          {(reply) => <PeerForm hostname={hostname} reply={reply} />}
        </Loaded>
        <PeerFacts hostname={hostname} />
      </Gate>
    </>
  );
}
