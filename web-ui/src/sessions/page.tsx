// Media > Sessions: who plays and who publishes at this node.

import { useEffect, useState } from "preact/hooks";
import { getJson } from "../api/http";
import { readSessions, type Session } from "../api/streams";
import { readVods } from "../api/vods";
import { mayBeFile } from "../files/place";
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
  /** Of the collections of files, where they are known. */
  prefixes?: readonly string[] | null;
  /** Keys of columns that say nothing here. */
  without?: string;
}

/** The sessions, each with the button that ends it. */
export function SessionTable({ sessions, view, prefixes, without }: TableProps) {
  const [ending, setEnding] = useState<Session | null>(null);
  return (
    <>
      <Table
        name="sessions"
        caption={strings.sessionsCaption}
        columns={columns(setEnding, prefixes).filter(({ key }) => key !== without)}
        rows={sessions}
        keyOf={({ id }) => id}
        {...(view && { order: view.order })}
      />
      {ending && <Ending session={ending} onClose={() => setEnding(null)} />}
    </>
  );
}

/** Those of this node, asked for anew with each other file that is played; null: not known yet. */
function usePrefixes(sessions: readonly Session[]): readonly string[] | null {
  const [prefixes, setPrefixes] = useState<readonly string[] | null>(null);
  const names = sessions.flatMap(({ stream }) => (stream && mayBeFile(stream) ? [stream] : []));
  const files = [...new Set(names)].sort().join("\n");
  useEffect(() => {
    if (files === "") return;
    const stop = new AbortController();
    const found = getJson("vods?limit=1000&select=prefix", stop.signal).then(readVods);
    void found.then(
      ({ items }) => setPrefixes(items.map(({ prefix }) => prefix)),
      () => undefined,
    );
    return () => stop.abort();
  }, [files]);
  return prefixes;
}

const PROTOCOLS = Object.entries(strings.protocols);

function Content({ view, protocol }: { view: ListView<Session>; protocol: string }) {
  const { value: page, order, query } = view;
  const prefixes = usePrefixes(page?.items ?? []);
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
      {page.items.length > 0 && (
        <SessionTable sessions={page.items} view={view} prefixes={prefixes} />
      )}
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
