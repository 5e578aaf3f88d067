// The button that saves a form, and why it does not where the login may only read.

import { session } from "../api/http";
import { strings } from "../strings";

export function Save() {
  const mayWrite = session.value?.mayWrite !== false;
  return (
    <>
      <button type="submit" class="primary" disabled={!mayWrite}>
        {strings.save}
      </button>
      {!mayWrite && <span class="note">{strings.readsOnly}</span>}
    </>
  );
}
