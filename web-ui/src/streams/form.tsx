// The form of a stream's settings, for a new one or one that is there.

import { useState } from "preact/hooks";
import { isReadOnly, type Reply } from "../api/http";
import { streamPath } from "../api/streams";
import { announcement, retry } from "../cluster/store";
import { EditForm } from "../form/edit_form";
import { EditPage } from "../form/edit_page";
import { useEditing } from "../form/editing";
import type { Faults } from "../form/faults";
import { Field, keptText } from "../form/field";
import { linkTo } from "../router";
import { strings } from "../strings";
import {
  KEPT,
  SHAPE,
  TEXTS,
  differences,
  labelsOf,
  priorityField,
  urlField,
  type Draft,
  type InputDraft,
} from "./fields";

const NO_INPUT: InputDraft = { url: "", priority: "", others: {} };

interface PartProps {
  draft: Draft;
  faults: Faults;
  onChange: (draft: Draft) => void;
}

/** One row an input, the best first, and always an empty one more to type in. */
function InputFields({ draft, faults, onChange }: PartProps) {
  const isOpen = draft.inputs.at(-1)?.url === "" || isReadOnly.value;
  const rows = isOpen ? draft.inputs : [...draft.inputs, NO_INPUT];
  const change = (index: number, changes: Partial<InputDraft>): void =>
    onChange({
      ...draft,
      inputs: rows
        .map((row, at) => (at === index ? { ...row, ...changes } : row))
        .filter(({ url, priority }, at) => at === index || url !== "" || priority !== ""),
    });
  return (
    <fieldset>
      <legend>{strings.inputs}</legend>
      <p class="note">{strings.inputsHelp}</p>
      {rows.map(({ url, priority }, index) => (
        <div key={index} class="input-row">
          <Field
            id={urlField(index)}
            label={strings.inputUrl(index + 1)}
            value={url}
            placeholder={strings.inputExample}
            error={faults[urlField(index)]}
            onText={(text) => change(index, { url: text.trim() })}
          />
          <Field
            id={priorityField(index)}
            label={strings.inputPriority(index + 1)}
            value={priority}
            error={faults[priorityField(index)]}
            onText={(text) => change(index, { priority: text.trim() })}
          />
        </div>
      ))}
    </fieldset>
  );
}

function CaptureField({ draft, onChange }: Omit<PartProps, "faults">) {
  return (
    <div class="field">
      <label for="static">{strings.capture}</label>
      <select
        id="static"
        disabled={isReadOnly.value}
        value={draft.isStatic ? "always" : "ondemand"}
        onChange={({ currentTarget }) =>
          onChange({ ...draft, isStatic: currentTarget.value === "always" })
        }
      >
        {Object.entries(strings.captures).map(([value, text]) => (
          <option key={value} value={value}>
            {text}
          </option>
        ))}
      </select>
    </div>
  );
}

function TextFields({ draft, faults, onChange }: PartProps) {
  return (
    <>
      {TEXTS.map((name) => {
        const isKept = name === "password" && draft[name] === KEPT;
        return (
          <Field
            key={name}
            id={name}
            {...strings.streamFields[name]}
            value={isKept ? "" : draft[name]}
            placeholder={isKept ? keptText() : undefined}
            isSecret={name === "password"}
            error={faults[name]}
            onText={(text) => onChange({ ...draft, [name]: name === "title" ? text : text.trim() })}
          />
        );
      })}
    </>
  );
}

/** `stream` is null for a new one. */
function StreamForm({ stream, reply }: { stream: string | null; reply: Reply }) {
  const [name, setName] = useState(stream ?? "");
  const editing = useEditing(streamPath(name), reply, SHAPE, () => {
    announcement.value = strings.streamSaved(name);
    retry();
    location.hash = linkTo("streams", name);
  });
  const { draft, faults } = editing;
  const parts = { draft, faults, onChange: editing.change };
  return (
    <EditForm
      title={stream ? strings.editTitle(stream) : strings.addStream}
      editing={editing}
      differences={differences}
      labels={labelsOf(draft)}
      cancel={stream ? linkTo("streams", stream) : linkTo("streams")}
    >
      {stream === null && (
        <Field
          id="name"
          {...strings.streamFields.name}
          value={name}
          error={faults["name"]}
          onText={(text) => setName(text.trim())}
        />
      )}
      <InputFields {...parts} />
      <CaptureField {...parts} />
      <TextFields {...parts} />
    </EditForm>
  );
}

export function NewStreamPage() {
  return (
    <EditPage
      title={strings.addStream}
      path={null}
      up={{ href: linkTo("streams"), text: strings.streams }}
    >
      {(reply) => <StreamForm stream={null} reply={reply} />}
    </EditPage>
  );
}

export function EditStreamPage({ name }: { name: string }) {
  return (
    <EditPage
      title={strings.editTitle(name)}
      path={streamPath(name)}
      up={{ href: linkTo("streams", name), text: name }}
    >
      {(reply) => <StreamForm stream={name} reply={reply} />}
    </EditPage>
  );
}
