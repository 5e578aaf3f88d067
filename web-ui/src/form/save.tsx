// Buttons that change something, and why they do not where the login may only read.

import type { ComponentProps } from "preact";
import { session } from "../api/http";
import { strings } from "../strings";

export function WriteButton(props: ComponentProps<"button">) {
  const mayWrite = session.value?.mayWrite !== false;
  return (
    <>
      <button {...props} disabled={!mayWrite} />
      {!mayWrite && <span class="note">{strings.readsOnly}</span>}
    </>
  );
}

export function Save() {
  return (
    <WriteButton type="submit" class="primary">
      {strings.save}
    </WriteButton>
  );
}
