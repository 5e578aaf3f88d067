// Media > Streams: the whole cluster's, one row a name.

import { useEffect, useState } from "preact/hooks";
import { STREAM_STATES, readStreams, type StreamState } from "../api/streams";
import { isOutdated, nodeNames } from "../cluster/store";
import { Deed } from "../frame/deed";
import { Gate } from "../frame/gate";
import { Panel, Title } from "../frame/notices";
import { linkTo, route, setParams } from "../router";
import { strings } from "../strings";
import { useList, type ListView } from "../table/list_view";
import { Pager } from "../table/pager";
import { Loading, NoMatch, Table } from "../table/table";
import { FilterSelect, Toolbar } from "../table/toolbar";
import type { Stream } from "../api/streams";
import { Absent } from "./absent";
import { COLUMNS, SORTS } from "./columns";
import { hasPictures } from "./previews";

/** What the API must be asked for to get the streams in a state. */
const STATE_FILTERS: Record<StreamState, Record<string, string>> = {
  running: { "stats.status": "running", "stats.alive": "true" },
  silent: { "stats.status": "running", "stats.alive": "false" },
  waiting: { "stats.status": "waiting" },
  error: { "stats.status": "error" },
  unknown: {},
};

interface Filters {
  node: string;
  state: StreamState | "";
}

function readFilters(): Filters {
  const { params } = route.value;
  const state = STREAM_STATES.find((known) => known === params.get("state")) ?? "";
  return { node: params.get("node") ?? "", state };
}

function FilterSelects({ node, state }: Filters) {
  const names = [...new Set([...nodeNames.value, node])].filter((name) => name !== "");
  return (
    <>
      <FilterSelect
        name="state"
        label={strings.columns.state}
        value={state}
        options={[
          ["", strings.allStates],
          ...STREAM_STATES.map((known) => [known, strings.streamStates[known].word] as const),
        ]}
      />
      <FilterSelect
        name="node"
        label={strings.streamColumns.where}
        value={node}
        options={[["", strings.allNodes], ...names.map((name) => [name, name] as const)]}
      />
    </>
  );
}

function Empty() {
  return (
    <Panel title={strings.noStreams}>
      <p>{strings.noStreamsText}</p>
      <pre tabIndex={0}>{strings.noStreamsExample}</pre>
    </Panel>
  );
}

function Content({ view, filters }: { view: ListView<Stream>; filters: Filters }) {
  const { value: page, order, query } = view;
  if (!page) return null;
  const isFiltered = query !== "" || filters.node !== "" || filters.state !== "";
  return (
    <>
      <Absent />
      <Toolbar
        columns={COLUMNS}
        order={order}
        query={query}
        hint={strings.streamHint}
        count={strings.streamCount(page.items.length, page.count)}
        filters={<FilterSelects {...filters} />}
      >
        <Deed class="button end" href={linkTo("streams", "-")}>
          {strings.addStream}
        </Deed>
      </Toolbar>
      {page.items.length > 0 && (
        <Table
          name={hasPictures.value ? "streams pictured" : "streams"}
          caption={strings.streamsCaption}
          columns={COLUMNS}
          rows={page.items}
          keyOf={({ name }) => name}
          order={order}
        />
      )}
      {page.items.length === 0 && isFiltered && (
        <NoMatch
          text={strings.noStreamMatch}
          onClear={() => setParams({ q: "", node: "", state: "", cursor: "" })}
        />
      )}
      {page.items.length === 0 && !isFiltered && <Empty />}
      <Pager page={page} />
    </>
  );
}

/** The list; the page is loaded anew first if peers have come since: it would block pictures. */
export function StreamsPage() {
  const [isOld] = useState(isOutdated);
  useEffect(() => {
    if (isOld) location.reload();
  }, [isOld]);
  return isOld ? null : <List />;
}

function List() {
  const filters = readFilters();
  const view = useList({
    collection: "streams",
    read: readStreams,
    sorts: SORTS,
    initial: "name",
    filters: {
      ...(filters.state && STATE_FILTERS[filters.state]),
      "stats.held_by": filters.node,
    },
  });
  return (
    <>
      <Title text={strings.streams} liveMs={view.problem ? null : view.fromMs} />
      <Gate
        problem={view.problem}
        fromMs={view.fromMs}
        waiting={<Loading columns={COLUMNS} name="streams" />}
      >
        <Content view={view} filters={filters} />
      </Gate>
    </>
  );
}
