// Cluster > Overview: totals, what is wrong, and one row a node.

import { findings, lastDataMs, rows, trouble } from "../cluster/store";
import { Gate } from "../frame/gate";
import { Panel, Title } from "../frame/notices";
import { linkTo } from "../router";
import { strings } from "../strings";
import { Loading, NoMatch, Table } from "../table/table";
import { Toolbar } from "../table/toolbar";
import { setFilter } from "../table/view";
import { COLUMNS } from "./cells";
import { PauseButton } from "./pause";
import { TotalsBar } from "./totals";
import { readView, type View } from "./view";

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

function NodeTable({ view: { shown, order, query } }: { view: View }) {
  if (shown.length === 0) {
    return <NoMatch text={strings.noMatch(query)} onClear={() => setFilter("q", "")} />;
  }
  return (
    <Table
      name="nodes"
      caption={strings.tableCaption}
      columns={COLUMNS}
      rows={shown}
      keyOf={(row) => row.key}
      classOf={(row) => `${row.freshness}${row.isThisNode ? " own" : ""}`}
      order={order}
    />
  );
}

function EmptyCluster() {
  return (
    <Panel title={strings.emptyTitle}>
      <p>
        <a href={linkTo("settings")}>{strings.addFirstPeer}</a>
      </p>
      <p>{strings.emptyText}</p>
      <pre tabIndex={0}>{strings.emptyExample}</pre>
    </Panel>
  );
}

function Content() {
  const view = readView();
  return (
    <>
      <Findings />
      <TotalsBar />
      <Toolbar
        columns={COLUMNS}
        order={view.order}
        query={view.query}
        hint={strings.filterHint}
        count={strings.filterCount(view.shown.length, view.all)}
      >
        <PauseButton />
      </Toolbar>
      <NodeTable view={view} />
      {rows.value?.length === 1 && <EmptyCluster />}
    </>
  );
}

export function OverviewPage() {
  return (
    <>
      <Title text={strings.overviewTitle} liveMs={trouble.value ? null : lastDataMs.value} />
      <Gate waiting={<Loading columns={COLUMNS} name="nodes" />}>
        <Content />
      </Gate>
    </>
  );
}
