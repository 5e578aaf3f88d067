// Previous and next page of a list that the node cuts into pages.

import type { Page } from "../api/streams";
import { setParams } from "../router";
import { strings } from "../strings";

function turnTo(cursor: string): void {
  setParams({ cursor });
  document.getElementById("content")?.scrollIntoView();
}

function Turn({ label, cursor }: { label: string; cursor: string | null }) {
  return (
    <button type="button" disabled={cursor === null} onClick={() => turnTo(cursor ?? "")}>
      {label}
    </button>
  );
}

/** Nothing where one page is all. */
export function Pager({ page: { previous, next } }: { page: Page<unknown> }) {
  if (previous === null && next === null) return null;
  return (
    <p class="actions pager" role="group" aria-label={strings.pages}>
      <Turn label={strings.previousPage} cursor={previous} />
      <Turn label={strings.nextPage} cursor={next} />
    </p>
  );
}
