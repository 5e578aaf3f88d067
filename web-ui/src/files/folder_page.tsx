// One collection: its folders to walk through, and the player of the file that was chosen.
//
// The folder and the file are in the address, so that both can be linked and gone back to.

import type { ComponentChild } from "preact";
import { useState } from "preact/hooks";
import { send } from "../api/http";
import { readFiles, readVod, vodPath, type FolderEntry, type Vod } from "../api/vods";
import { announcement } from "../cluster/store";
import { Confirmation } from "../form/confirmation";
import { formatBytes, formatInstant } from "../format";
import { Back } from "../frame/back";
import { Deed } from "../frame/deed";
import { Gate } from "../frame/gate";
import { Panel, Title } from "../frame/notices";
import { useWatched } from "../frame/watched";
import { linkTo, route, setParams } from "../router";
import { outputPath } from "../streams/addresses";
import { strings as common } from "../strings";
import { breakable, missing, numberCell } from "../table/cells";
import { firstsOf, useList, type ListView, type SortFields } from "../table/list_view";
import { Pager } from "../table/pager";
import { Loading, NoMatch, Table, type Column } from "../table/table";
import { Toolbar } from "../table/toolbar";
import { placeLink } from "./place";
import { strings } from "./strings";

/** What each column sorts by. */
const SORTS = {
  name: ["name", "asc"],
  size: ["bytes", "desc"],
  changed: ["mtime", "desc"],
} satisfies SortFields<string>;

function nameCell(prefix: string, folder: string, entry: FolderEntry): ComponentChild {
  const { name, isFolder, stream } = entry;
  if (isFolder) {
    const inner = folder === "" ? name : `${folder}/${name}`;
    return (
      <>
        <a class="name-text" href={placeLink(prefix, inner)}>
          {breakable(name)}
        </a>
        <span class="tag">{strings.folder}</span>
      </>
    );
  }
  if (stream === null) {
    return (
      <span class="name-text">
        {breakable(name)} <span class="below">{strings.unplayable}</span>
      </span>
    );
  }
  return (
    <a class="name-text" href={placeLink(prefix, folder, name)} aria-label={strings.play(name)}>
      {breakable(name)}
    </a>
  );
}

function columnsOf(prefix: string, folder: string): readonly Column<FolderEntry>[] {
  const firsts = firstsOf(SORTS);
  const labels = strings.fileColumns;
  return [
    {
      key: "name",
      label: labels.name,
      first: firsts.name,
      cell: (entry) => nameCell(prefix, folder, entry),
    },
    {
      key: "size",
      label: labels.size,
      first: firsts.size,
      cell: ({ bytes }) => numberCell(bytes, formatBytes),
    },
    {
      key: "changed",
      label: labels.changed,
      first: firsts.changed,
      cell: ({ changedAtMs }) =>
        changedAtMs === null ? missing : <span class="number">{formatInstant(changedAtMs)}</span>,
    },
  ];
}

/** The prefix, and each folder on the way down, to go back to. */
function Path({ prefix, folder }: { prefix: string; folder: string }) {
  const parts = folder === "" ? [] : folder.split("/");
  const places = parts.map((part, index) => [part, parts.slice(0, index + 1).join("/")] as const);
  const all = [[prefix, ""] as const, ...places];
  return (
    <p class="path" role="group" aria-label={strings.path}>
      {all.map(([name, place], index) => (
        <span key={place}>
          {index > 0 && <span aria-hidden="true"> / </span>}
          {index === all.length - 1 ? <b>{name}</b> : <a href={placeLink(prefix, place)}>{name}</a>}
        </span>
      ))}
    </p>
  );
}

/** The player page of the file; it was chosen, so it begins. There is no picture of a file. */
function Playing({ prefix, folder, name }: { prefix: string; folder: string; name: string }) {
  const stream = [prefix, folder, name].filter(Boolean).join("/");
  return (
    <section class="playing">
      <iframe
        key={stream}
        class="player"
        src={outputPath(stream, "embed.html?poster=off")}
        title={strings.player(stream)}
        allow="autoplay; fullscreen; picture-in-picture"
      />
      <p>
        <a class="button" href={placeLink(prefix, folder)}>
          {strings.close}
        </a>
      </p>
    </section>
  );
}

function NoFiles({ vod, folder }: { vod: Vod | null; folder: string }) {
  return (
    <Panel title={strings.noFiles}>
      <p>{strings.noFilesText}</p>
      <pre tabIndex={0}>
        {vod?.storages.map((storage) => [storage, folder].filter(Boolean).join("/")).join("\n")}
      </pre>
    </Panel>
  );
}

interface ContentProps {
  prefix: string;
  folder: string;
  columns: readonly Column<FolderEntry>[];
  view: ListView<FolderEntry>;
  vod: Vod | null;
}

function Content({ prefix, folder, columns, view, vod }: ContentProps) {
  const { value: page, order, query } = view;
  const playing = route.value.params.get("play");
  if (!page) return null;
  return (
    <>
      {playing && <Playing prefix={prefix} folder={folder} name={playing} />}
      {folder !== "" && <Path prefix={prefix} folder={folder} />}
      <Toolbar
        columns={columns}
        order={order}
        query={query}
        hint={strings.fileHint}
        count={strings.fileCount(page.items.length, page.count)}
      />
      {page.items.length > 0 && (
        <Table
          name="files"
          caption={strings.folderCaption}
          columns={columns}
          rows={page.items}
          keyOf={({ name }) => name}
          order={order}
        />
      )}
      {page.items.length === 0 && query !== "" && (
        <NoMatch text={strings.noFileMatch} onClear={() => setParams({ q: "", cursor: "" })} />
      )}
      {page.items.length === 0 && query === "" && <NoFiles vod={vod} folder={folder} />}
      <Pager page={page} />
    </>
  );
}

function Removal({
  prefix,
  vod,
  onClose,
}: {
  prefix: string;
  vod: Vod | null;
  onClose: () => void;
}) {
  const remove = async (): Promise<void> => {
    await send(vodPath(prefix), { method: "DELETE" });
    announcement.value = strings.removed(prefix);
    location.hash = linkTo("files");
  };
  return (
    <Confirmation
      title={strings.removeTitle(prefix)}
      verb={common.remove}
      act={remove}
      onClose={onClose}
    >
      <p>{strings.removeMeans}</p>
      <p>{common.clientsThere(vod?.clients ?? null)}</p>
    </Confirmation>
  );
}

function Deeds({ prefix, vod }: { prefix: string; vod: Vod | null }) {
  const [isRemoving, setRemoving] = useState(false);
  return (
    <div class="actions deeds">
      <Deed class="button" href={linkTo("files", prefix, "edit")}>
        {common.edit}
      </Deed>
      <Deed class="danger" onClick={() => setRemoving(true)}>
        {common.remove}
      </Deed>
      {isRemoving && <Removal prefix={prefix} vod={vod} onClose={() => setRemoving(false)} />}
    </div>
  );
}

export function FolderPage({ prefix }: { prefix: string }) {
  const folder = route.value.params.get("path") ?? "";
  const { value: vod } = useWatched(vodPath(prefix), readVod);
  const view = useList({
    collection: `${vodPath(prefix)}/files`,
    read: readFiles,
    sorts: SORTS,
    initial: "name",
    filters: { path: folder },
  });
  const columns = columnsOf(prefix, folder);
  const isGone = view.problem?.status === 404;
  return (
    <>
      <Back href={linkTo("files")}>{common.files}</Back>
      <Title text={prefix} liveMs={view.problem ? null : view.fromMs} />
      {vod && <Deeds prefix={prefix} vod={vod} />}
      {isGone ? (
        <Panel title={strings.gone}>
          <p>{strings.goneText}</p>
          <a href={folder === "" ? linkTo("files") : linkTo("files", prefix)}>{strings.toAll}</a>
        </Panel>
      ) : (
        <Gate
          problem={view.problem}
          fromMs={view.fromMs}
          waiting={<Loading columns={columns} name="files" />}
        >
          <Content prefix={prefix} folder={folder} columns={columns} view={view} vod={vod} />
        </Gate>
      )}
    </>
  );
}
