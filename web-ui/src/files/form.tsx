// The form of a collection's settings, for a new one or one that is there.

import { useState } from "preact/hooks";
import type { Reply } from "../api/http";
import { vodPath } from "../api/vods";
import { announcement, retry } from "../cluster/store";
import { Conflict } from "../form/conflict";
import { useEditing } from "../form/editing";
import { FaultSummary } from "../form/fault_summary";
import type { Faults } from "../form/faults";
import { Field } from "../form/field";
import { Loaded } from "../form/loaded";
import { Save } from "../form/save";
import { Gate } from "../frame/gate";
import { Title } from "../frame/notices";
import { linkTo } from "../router";
import { strings as common } from "../strings";
import { DURATION, SHAPE, differences, labelsOf, storageField, type Draft } from "./fields";
import { strings } from "./strings";

interface PartProps {
  draft: Draft;
  faults: Faults;
  onChange: (draft: Draft) => void;
}

/** One row a storage, in order, and always an empty one more. */
function StorageFields({ draft, faults, onChange }: PartProps) {
  const change = (index: number, url: string): void => {
    const storages = [...draft.storages];
    storages[index] = url;
    onChange({ ...draft, storages: storages.filter((kept, at) => kept !== "" || at === index) });
  };
  const isOpen = draft.storages.at(-1) === "";
  const rows = isOpen ? draft.storages : [...draft.storages, ""];
  return (
    <fieldset>
      <legend>{strings.storages}</legend>
      <p class="note">{strings.storagesHelp}</p>
      {rows.map((url, index) => (
        <Field
          key={index}
          id={storageField(index)}
          label={strings.storage(index + 1)}
          value={url}
          placeholder={strings.storageExample}
          error={faults[storageField(index)]}
          onText={(text) => change(index, text)}
        />
      ))}
    </fieldset>
  );
}

/** `vod` is null for a new one. */
function VodForm({ vod, reply }: { vod: string | null; reply: Reply }) {
  const [prefix, setPrefix] = useState(vod ?? "");
  const { base, draft, theirs, faults, note, ...editing } = useEditing(
    vodPath(prefix),
    reply,
    SHAPE,
    () => {
      announcement.value = strings.saved(prefix);
      retry();
      location.hash = linkTo("files", prefix);
    },
  );
  return (
    <form
      class="panel form"
      aria-label={vod ? common.editTitle(vod) : strings.add}
      noValidate
      onSubmit={(event) => {
        event.preventDefault();
        editing.save();
      }}
    >
      <FaultSummary faults={faults} labels={labelsOf(draft)} />
      {theirs && (
        <Conflict
          differences={differences(base, draft, theirs)}
          onMine={editing.saveMine}
          onTheirs={editing.takeTheirs}
        />
      )}
      {vod === null && (
        <Field
          id="prefix"
          {...strings.prefix}
          value={prefix}
          error={faults["prefix"]}
          onText={(text) => setPrefix(text.trim())}
        />
      )}
      <StorageFields draft={draft} faults={faults} onChange={editing.change} />
      <Field
        id={DURATION}
        {...strings.duration}
        value={draft.duration}
        placeholder="4"
        error={faults[DURATION]}
        onText={(text) => editing.change({ ...draft, duration: text.trim() })}
      />
      <p class="actions">
        <Save />
        <a class="button" href={vod ? linkTo("files", vod) : linkTo("files")}>
          {common.cancel}
        </a>
        <span role="status">{note}</span>
      </p>
    </form>
  );
}

export function NewVodPage() {
  return (
    <>
      <p class="back">
        <a href={linkTo("files")}>{common.files}</a>
      </p>
      <Title text={strings.add} liveMs={null} />
      <Gate>
        <VodForm vod={null} reply={{ value: null, etag: null }} />
      </Gate>
    </>
  );
}

export function EditVodPage({ prefix }: { prefix: string }) {
  return (
    <>
      <p class="back">
        <a href={linkTo("files", prefix)}>{prefix}</a>
      </p>
      <Title text={common.editTitle(prefix)} liveMs={null} />
      <Gate>
        <Loaded key={prefix} path={vodPath(prefix)}>
          {(reply) => <VodForm vod={prefix} reply={reply} />}
        </Loaded>
      </Gate>
    </>
  );
}
