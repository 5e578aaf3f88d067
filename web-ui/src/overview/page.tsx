// Cluster > Overview: totals, what is wrong, and one row a node.

import { findings, lastDataMs, rows, trouble } from "../cluster/store";
import { strings } from "../strings";
import { formatTime } from "../format";
import { EmptyCluster, Failing, Forbidden, Loading, LostBanner } from "./notices";
import { NodeTable } from "./table";
import { SignIn } from "./sign_in";
import { Toolbar } from "./toolbar";
import { TotalsBar } from "./totals";
import { readView } from "./view";

function Findings() {
  return (
    <div class="banners" role="alert">
      {findings.value.map((found) => (
        <p key={found.kind} class="banner caution">
          <span aria-hidden="true">⚠</span> {strings.finding(found)}
        </p>
      ))}
    </div>
  );
}

/** Data are here: the table, greyed while the connection is lost. */
function Filled() {
  const view = readView();
  const isLost = trouble.value !== null;
  return (
    <>
      {trouble.value && <LostBanner trouble={trouble.value} />}
      <Findings />
      <TotalsBar />
      <Toolbar view={view} />
      <div class={isLost ? "greyed" : undefined}>
        <NodeTable view={view} />
      </div>
      {rows.value?.length === 1 && <EmptyCluster />}
    </>
  );
}

function Content() {
  const problem = trouble.value?.problem;
  if (problem?.kind === "unauthorized") return <SignIn problem={problem} />;
  if (problem?.kind === "forbidden") return <Forbidden problem={problem} />;
  if (rows.value) return <Filled />;
  return problem ? <Failing problem={problem} /> : <Loading />;
}

export function OverviewPage() {
  return (
    <>
      <div class="title">
        <h1>{strings.overviewTitle}</h1>
        {!trouble.value && lastDataMs.value !== null && (
          <p class="live">{strings.live(formatTime(lastDataMs.value))}</p>
        )}
      </div>
      <Content />
    </>
  );
}
