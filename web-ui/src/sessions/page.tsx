// Media > Sessions: who plays and who publishes at this node.

import { useState } from "preact/hooks";
import { readSessions, type Session } from "../api/streams";
import { Gate } from "../frame/gate";
import { Panel, Title } from "../frame/notices";
import { route, setParams } from "../router";
import { strings } from "../strings";
import { useList, type ListView } from "../table/list_view";
import { Pager } from "../table/pager";
import { Loading, NoMatch, Table } from "../table/table";
import { FilterSelect, Toolbar } from "../table/toolbar";
import { SORTS, columns } from "./columns";
import { Ending } from "./ending";

interface TableProps {
  sessions: readonly Session[];
  /** Where the columns sort. */
  view?: ListView<Session>;
  /** Keys of columns that say nothing here. */
  without?: string;
}

/** The sessions, each with the button that ends it. */
export function SessionTable({ sessions, view, without }: TableProps) {
  const [ending, setEnding] = useState<Session | null>(null);
  return (
    <>
      <Table
        name="sessions"
        caption={strings.sessionsCaption}
        columns={columns(setEnding).filter(({ key }) => key !== without)}
        rows={sessions}
        keyOf={({ id }) => id}
        {...(view && { order: view.order })}
      />
      {ending && <Ending session={ending} onClose={() => setEnding(null)} />}
    </>
  );
}

const PROTOCOLS = Object.entries(strings.protocols);

function Content({ view, protocol }: { view: ListView<Session>; protocol: string }) {
  const { value: page, order, query } = view;
  if (!page) return null;
  const isFiltered = query !== "" || protocol !== "";
  return (
    <>
      <Toolbar
        columns={COLUMNS}
        order={order}
        query={query}
        hint={strings.sessionHint}
        count={strings.sessionCount(page.items.length, page.count)}
        filters={
          <FilterSelect
            name="proto"
            label={strings.sessionColumns.protocol}
            value={protocol}
            options={[["", strings.allProtocols], ...PROTOCOLS]}
          />
        }
      />
      {page.items.length > 0 && <SessionTable sessions={page.items} view={view} />}
      {page.items.length === 0 && isFiltered && (
        <NoMatch
          text={strings.noSessionMatch}
          onClear={() => setParams({ q: "", proto: "", cursor: "" })}
        />
      )}
      {page.items.length === 0 && !isFiltered && (
        <Panel title={strings.noSessions}>
          <p>{strings.noSessionsText}</p>
        </Panel>
      )}
      <Pager page={page} />
    </>
  );
}

const COLUMNS = columns(() => undefined);

export function SessionsPage() {
  const asked = route.value.params.get("proto") ?? "";
  const protocol = Object.hasOwn(strings.protocols, asked) ? asked : "";
  const view = useList({
    collection: "sessions",
    read: readSessions,
    sorts: SORTS,
    initial: "duration",
    filters: { proto: protocol },
  });
  return (
    <>
      <Title text={strings.sessions} liveMs={view.problem ? null : view.fromMs} />
      <p class="note">{strings.sessionsOfThisNode}</p>
      <Gate
        problem={view.problem}
        fromMs={view.fromMs}
        waiting={<Loading columns={COLUMNS} name="sessions" />}
      >
        <Content view={view} protocol={protocol} />
      </Gate>
    </>
  );
}
