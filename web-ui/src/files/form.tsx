// The form of a collection's settings, for a new one or one that is there.

import { useState } from "preact/hooks";
import { isReadOnly, type Reply } from "../api/http";
import { vodPath } from "../api/vods";
import { announcement, retry } from "../cluster/store";
import { EditForm } from "../form/edit_form";
import { EditPage } from "../form/edit_page";
import { useEditing } from "../form/editing";
import type { Faults } from "../form/faults";
import { Field } from "../form/field";
import { linkTo } from "../router";
import { strings as common } from "../strings";
import { DURATION, SHAPE, differences, labelsOf, storageField, type Draft } from "./fields";
import { strings } from "./strings";

interface PartProps {
  draft: Draft;
  faults: Faults;
  onChange: (draft: Draft) => void;
}

/** One row a storage, in order, and always an empty one more to type in. */
function StorageFields({ draft, faults, onChange }: PartProps) {
  const change = (index: number, url: string): void => {
    const storages = [...draft.storages];
    storages[index] = url;
    onChange({ ...draft, storages: storages.filter((kept, at) => kept !== "" || at === index) });
  };
  const isOpen = draft.storages.at(-1) === "" || isReadOnly.value;
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
  const editing = useEditing(vodPath(prefix), reply, SHAPE, () => {
    announcement.value = strings.saved(prefix);
    retry();
    location.hash = linkTo("files", prefix);
  });
  const { draft, faults, change } = editing;
  return (
    <EditForm
      title={vod ? common.editTitle(vod) : strings.add}
      editing={editing}
      differences={differences}
      labels={labelsOf(draft)}
      cancel={vod ? linkTo("files", vod) : linkTo("files")}
    >
      {vod === null && (
        <Field
          id="prefix"
          {...strings.prefix}
          value={prefix}
          error={faults["prefix"]}
          onText={(text) => setPrefix(text.trim())}
        />
      )}
      <StorageFields draft={draft} faults={faults} onChange={change} />
      <Field
        id={DURATION}
        {...strings.duration}
        value={draft.duration}
        placeholder="4"
        error={faults[DURATION]}
        onText={(text) => change({ ...draft, duration: text.trim() })}
      />
    </EditForm>
  );
}

export function NewVodPage() {
  return (
    <EditPage title={strings.add} path={null} up={{ href: linkTo("files"), text: common.files }}>
      {(reply) => <VodForm vod={null} reply={reply} />}
    </EditPage>
  );
}

export function EditVodPage({ prefix }: { prefix: string }) {
  return (
    <EditPage
      title={common.editTitle(prefix)}
      path={vodPath(prefix)}
      up={{ href: linkTo("files", prefix), text: prefix }}
    >
      {(reply) => <VodForm vod={prefix} reply={reply} />}
    </EditPage>
  );
}
