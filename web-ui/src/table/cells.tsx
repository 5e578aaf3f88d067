// Parts of cells that more than one table has. A number that is missing is a dash, never a zero.

import type { ComponentChild } from "preact";
import { MISSING, formatCount } from "../format";
import type { StateLabel } from "../strings";
import { stateSymbol, type SymbolName } from "./symbol";

export const missing: ComponentChild = <span class="missing">{MISSING}</span>;

/** A formatted number, or the dash. */
export function numberCell<Value>(
  value: Value | null,
  format: (value: Value) => string,
): ComponentChild {
  return value === null ? missing : <span class="number">{format(value)}</span>;
}

export const countCell = (value: number | null): ComponentChild => numberCell(value, formatCount);

/** Long names may wrap after a dot, a colon or a slash. */
export function breakable(name: string): ComponentChild[] {
  return name
    .split(/(?<=[.:/])/)
    .flatMap((part, index) => (index === 0 ? [part] : [<wbr />, part]));
}

/** A state by symbol, word and colour. */
export function badge(symbol: SymbolName, { tone, meaning, word }: StateLabel): ComponentChild {
  return (
    <span class={`badge ${tone}`} title={meaning}>
      {stateSymbol(symbol)}
      {word}
    </span>
  );
}
