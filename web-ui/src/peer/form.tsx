// The form of a peer's settings.

import { isReadOnly, type Reply } from "../api/http";
import { peerPath } from "../api/paths";
import { retry } from "../cluster/store";
import { EditForm } from "../form/edit_form";
import { useEditing } from "../form/editing";
import { Field, keptText } from "../form/field";
import { strings } from "../strings";
import { DEFAULTS, FIELDS, KEPT, SHAPE, differences, type Draft, type PeerField } from "./fields";

const LABELS = Object.fromEntries(
  FIELDS.map(({ name }) => [name, strings.peerFields[name].label] as const),
);

/** What holds where a field is empty. */
function placeholders(hostname: string, draft: Draft): Partial<Draft> {
  const apiUrl = `http://${hostname}`;
  return {
    ...DEFAULTS,
    api_url: apiUrl,
    private_payload_url: draft.api_url || apiUrl,
    channel_limit: strings.noLimit,
    cpu_limit: strings.noLimit,
    cluster_key: draft.cluster_key === KEPT ? keptText() : strings.nodesKey,
  };
}

export function PeerForm({ hostname, reply }: { hostname: string; reply: Reply }) {
  const editing = useEditing(peerPath(hostname), reply, SHAPE, retry);
  const { base, draft, faults } = editing;
  const change = (name: PeerField, value: string): void =>
    editing.change({ ...draft, [name]: value });
  const hints = placeholders(hostname, draft);
  return (
    <EditForm
      title={strings.peerTitle(hostname)}
      editing={editing}
      differences={differences}
      labels={LABELS}
    >
      {FIELDS.map(({ name, isSecret }) => (
        <Field
          key={name}
          id={name}
          {...strings.peerFields[name]}
          value={draft[name] === KEPT ? "" : draft[name]}
          placeholder={hints[name]}
          error={faults[name]}
          isSecret={isSecret === true}
          onText={(text) => change(name, isSecret && text === "" ? base[name] : text.trim())}
        />
      ))}
      {base.cluster_key === KEPT && !isReadOnly.value && (
        <label class="check">
          <input
            type="checkbox"
            checked={draft.cluster_key === ""}
            onChange={(event) => change("cluster_key", event.currentTarget.checked ? "" : KEPT)}
          />
          {strings.dropKey}
        </label>
      )}
    </EditForm>
  );
}
