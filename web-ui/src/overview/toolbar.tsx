// Above the table: filter, how many rows it leaves, sorting where there is no table head, pause.

import { SORT_KEYS, firstDirection, type SortKey } from "../cluster/order";
import { isPaused, pausedAtMs, togglePause } from "../cluster/store";
import { formatTime } from "../format";
import { FILTER_ID } from "../frame/keyboard";
import { strings } from "../strings";
import { setOrder, setQuery, type View } from "./view";

function FilterBox({ query }: { query: string }) {
  return (
    <div class="filter">
      <label for={FILTER_ID}>{strings.filterLabel}</label>
      <input
        id={FILTER_ID}
        type="search"
        autocomplete="off"
        spellcheck={false}
        placeholder={strings.filterHint}
        value={query}
        onInput={(event) => setQuery(event.currentTarget.value)}
        onKeyDown={(event) => {
          if (event.key !== "Escape") return;
          event.preventDefault();
          setQuery("");
          event.currentTarget.blur();
        }}
      />
      <kbd aria-hidden="true">/</kbd>
    </div>
  );
}

/** Narrow screens show cards without a table head, so the order is chosen here. */
function SortBox({ order }: Pick<View, "order">) {
  const flipped = order.direction === "asc" ? "desc" : "asc";
  return (
    <div class="sort">
      <label for="sort">{strings.sortLabel}</label>
      <select
        id="sort"
        value={order.key}
        onChange={(event) => {
          const key = event.currentTarget.value as SortKey;
          setOrder({ key, direction: firstDirection(key) });
        }}
      >
        {SORT_KEYS.map((key) => (
          <option key={key} value={key}>
            {strings.columns[key]}
          </option>
        ))}
      </select>
      <button type="button" onClick={() => setOrder({ key: order.key, direction: flipped })}>
        {order.direction === "asc" ? strings.ascending : strings.descending}
      </button>
    </div>
  );
}

function PauseButton() {
  const since = pausedAtMs.value;
  return (
    <div class="pause">
      {since !== null && <span class="note">{strings.pausedSince(formatTime(since))}</span>}
      <button type="button" aria-pressed={isPaused.value} onClick={togglePause}>
        <span aria-hidden="true">{isPaused.value ? "▶" : "❚❚"}</span> {strings.pause}
      </button>
    </div>
  );
}

export function Toolbar({ view }: { view: View }) {
  return (
    <div class="toolbar">
      <FilterBox query={view.query} />
      <SortBox order={view.order} />
      <p class="note" role="status">
        {strings.filterCount(view.shown.length, view.all)}
      </p>
      <PauseButton />
    </div>
  );
}
