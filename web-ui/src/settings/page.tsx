// Cluster > Settings: the cluster key, a new peer, and the peers that there are.

import { useState } from "preact/hooks";
import { Gate } from "../frame/gate";
import { Title } from "../frame/notices";
import { strings } from "../strings";
import { ClusterForm } from "./cluster_form";
import { PeerList } from "./peer_list";
import { Removal } from "./removal";

export function SettingsPage() {
  const [removed, setRemoved] = useState<string | null>(null);
  return (
    <>
      <Title text={strings.settingsTitle} liveMs={null} />
      <Gate>
        <ClusterForm />
        <PeerList onRemove={setRemoved} />
        {removed !== null && <Removal hostname={removed} onClose={() => setRemoved(null)} />}
      </Gate>
    </>
  );
}
