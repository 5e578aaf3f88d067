// Above a table: search, filters, how many rows they leave, sorting where there is no table head.

import type { ComponentChildren } from "preact";
import { FILTER_ID } from "../frame/keyboard";
import { strings } from "../strings";
import { flipped, type Order } from "./order";
import type { Column } from "./table";
import { setFilter, setOrder } from "./view";

export function FilterBox({ query, hint }: { query: string; hint: string }) {
  return (
    <div class="filter">
      <label for={FILTER_ID}>{strings.filterLabel}</label>
      <input
        id={FILTER_ID}
        type="search"
        autocomplete="off"
        spellcheck={false}
        placeholder={hint}
        value={query}
        onInput={(event) => setFilter("q", event.currentTarget.value)}
        onKeyDown={(event) => {
          if (event.key !== "Escape") return;
          event.preventDefault();
          setFilter("q", "");
          event.currentTarget.blur();
        }}
      />
      <kbd aria-hidden="true">/</kbd>
    </div>
  );
}

interface SelectProps {
  name: string;
  label: string;
  value: string;
  /** Value and label of each; an empty value is no filter. */
  options: readonly (readonly [string, string])[];
}

/** Chooses one value of the filter `name` of the address. */
export function FilterSelect({ name, label, value, options }: SelectProps) {
  return (
    <select
      aria-label={label}
      value={value}
      onChange={(event) => setFilter(name, event.currentTarget.value)}
    >
      {options.map(([option, text]) => (
        <option key={option} value={option}>
          {text}
        </option>
      ))}
    </select>
  );
}

interface SortProps {
  columns: readonly Column<never>[];
  order: Order;
}

/** Narrow screens show cards without a table head, so the order is chosen here. */
function SortBox({ columns, order: { key, direction } }: SortProps) {
  return (
    <div class="sort">
      <label for="sort">{strings.sortLabel}</label>
      <select
        id="sort"
        value={key}
        onChange={(event) => {
          const chosen = event.currentTarget.value;
          const first = columns.find((column) => column.key === chosen)?.first ?? "asc";
          setOrder({ key: chosen, direction: first });
        }}
      >
        {columns.map(
          (column) =>
            column.first && (
              <option key={column.key} value={column.key}>
                {column.label}
              </option>
            ),
        )}
      </select>
      <button type="button" onClick={() => setOrder({ key, direction: flipped(direction) })}>
        {direction === "asc" ? strings.ascending : strings.descending}
      </button>
    </div>
  );
}

interface ToolbarProps extends SortProps {
  query: string;
  hint: string;
  /** How many rows are shown, of how many. */
  count: string;
  filters?: ComponentChildren;
  children?: ComponentChildren;
}

export function Toolbar({ columns, order, query, hint, count, filters, children }: ToolbarProps) {
  return (
    <div class="toolbar">
      <FilterBox query={query} hint={hint} />
      {filters}
      <SortBox columns={columns} order={order} />
      <p class="note" role="status">
        {count}
      </p>
      {children}
    </div>
  );
}
