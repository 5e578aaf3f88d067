// The pages that change the cluster, fetched together: one leads to the other.

export { PeerPage } from "../peer/page";
export { SettingsPage } from "./page";
