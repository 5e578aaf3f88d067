// Media > Files: the collections of this node.

import type { ComponentChild } from "preact";
import { readVods, type Vod } from "../api/vods";
import { Deed } from "../frame/deed";
import { Gate } from "../frame/gate";
import { Panel, Title } from "../frame/notices";
import { linkTo, setParams } from "../router";
import { strings as common } from "../strings";
import { breakable, countCell } from "../table/cells";
import { firstsOf, useList, type ListView, type SortFields } from "../table/list_view";
import { Pager } from "../table/pager";
import { Loading, NoMatch, Table, type Column } from "../table/table";
import { Toolbar } from "../table/toolbar";
import { strings } from "./strings";

/** What each column sorts by. */
const SORTS = {
  prefix: ["prefix", "asc"],
  storages: ["storages", "asc"],
  clients: ["stats.online_clients", "desc"],
} satisfies SortFields<string>;

type Key = keyof typeof SORTS;

const CELLS: Record<Key, (vod: Vod) => ComponentChild> = {
  prefix: ({ prefix }) => (
    <a class="name-text" href={linkTo("files", prefix)}>
      {breakable(prefix)}
    </a>
  ),
  storages: ({ storages }) => (
    <div>
      {storages.map((storage) => (
        <div key={storage}>{breakable(storage)}</div>
      ))}
    </div>
  ),
  clients: ({ clients }) => countCell(clients),
};

const firsts = firstsOf(SORTS);

const COLUMNS: readonly Column<Vod, Key>[] = (Object.keys(SORTS) as Key[]).map((key) => ({
  key,
  label: strings.columns[key],
  first: firsts[key],
  cell: CELLS[key],
}));

function Content({ view }: { view: ListView<Vod> }) {
  const { value: page, order, query } = view;
  if (!page) return null;
  return (
    <>
      <Toolbar
        columns={COLUMNS}
        order={order}
        query={query}
        hint={strings.hint}
        count={strings.count(page.items.length, page.count)}
      >
        <Deed class="button end" href={linkTo("files", "-")}>
          {strings.add}
        </Deed>
      </Toolbar>
      {page.items.length > 0 && (
        <Table
          name="vods"
          caption={strings.caption}
          columns={COLUMNS}
          rows={page.items}
          keyOf={({ prefix }) => prefix}
          order={order}
        />
      )}
      {page.items.length === 0 && query !== "" && (
        <NoMatch text={strings.noMatch} onClear={() => setParams({ q: "", cursor: "" })} />
      )}
      {page.items.length === 0 && query === "" && (
        <Panel title={strings.none}>
          <p>{strings.noneText}</p>
          <pre tabIndex={0}>{strings.example}</pre>
        </Panel>
      )}
      <Pager page={page} />
    </>
  );
}

export function FilesPage() {
  const view = useList({
    collection: "vods",
    read: readVods,
    sorts: SORTS,
    initial: "prefix",
    filters: {},
  });
  return (
    <>
      <Title text={common.files} liveMs={view.problem ? null : view.fromMs} />
      <p class="note">{strings.note}</p>
      <Gate
        problem={view.problem}
        fromMs={view.fromMs}
        waiting={<Loading columns={COLUMNS} name="vods" />}
      >
        <Content view={view} />
      </Gate>
    </>
  );
}
