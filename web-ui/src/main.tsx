// The console's entry: preferences, clock, keys, then the frame with the page of the address.

import { render } from "preact";
import { followCluster } from "./api/cluster_source";
import { follow, startClock } from "./cluster/store";
import { App } from "./frame/app";
import { followIcon } from "./frame/icon";
import { listenForKeys } from "./frame/keyboard";
import { applyPreferences } from "./preferences";
import "./styles/theme.css";
import "./styles/frame.css";
import "./styles/overview.css";
import "./styles/table.css";
import "./styles/cells.css";
import "./styles/cards.css";
import "./styles/form.css";
import "./styles/streams.css";
import "./styles/chart.css";
import "./styles/files.css";

applyPreferences();
startClock();
followIcon();
listenForKeys();
follow(followCluster);

const root = document.getElementById("app");
if (root) render(<App />, root);
