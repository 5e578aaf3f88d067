// The form of one thing: its faults and conflicts above its fields, the way to save and to cancel
// below.

import type { ComponentChildren } from "preact";
import { isReadOnly } from "../api/http";
import { strings } from "../strings";
import { AsCurl } from "./as_curl";
import { Conflict, type Difference } from "./conflict";
import type { Editing } from "./editing";
import { FaultSummary } from "./fault_summary";
import type { Faults } from "./faults";

interface EditFormProps<Draft> {
  /** What is edited. */
  title: string;
  editing: Editing<Draft>;
  differences: (base: Draft, mine: Draft, theirs: Draft) => Difference[];
  /** Of the fields, by their ids. */
  labels: Faults;
  /** Where it leads to leave all as it is. */
  cancel?: string;
  children: ComponentChildren;
}

export function EditForm<Draft>(props: EditFormProps<Draft>) {
  const { title, editing, differences, labels, cancel, children } = props;
  const { base, draft, theirs, faults, problem, note } = editing;
  return (
    <form
      class="panel form"
      aria-label={title}
      noValidate
      onSubmit={(event) => {
        event.preventDefault();
        if (!isReadOnly.value) editing.save();
      }}
    >
      {isReadOnly.value && <p class="note">{strings.readsOnly}</p>}
      <FaultSummary faults={faults} labels={labels} problem={problem} />
      {theirs && (
        <Conflict
          differences={differences(base, draft, theirs)}
          onMine={editing.saveMine}
          onTheirs={editing.takeTheirs}
        />
      )}
      {children}
      {!isReadOnly.value && (
        <p class="actions">
          <button type="submit" class="primary">
            {strings.save}
          </button>
          {cancel && (
            <a class="button" href={cancel}>
              {strings.cancel}
            </a>
          )}
          <span role="status">{note}</span>
        </p>
      )}
      <AsCurl put={editing.wanted} />
    </form>
  );
}
