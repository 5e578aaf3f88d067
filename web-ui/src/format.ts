// Numbers, times and names as people read them. Pure; the language is the browser's.

const integer = new Intl.NumberFormat(undefined, { maximumFractionDigits: 0 });
const oneDigit = new Intl.NumberFormat(undefined, {
  minimumFractionDigits: 1,
  maximumFractionDigits: 1,
});
const listing = new Intl.ListFormat("en", { type: "conjunction" });

export const MISSING = "–";

export function formatCount(value: number | null): string {
  return value === null ? MISSING : integer.format(value);
}

/** Whole percents; a little over nothing is not nothing. */
export function formatPercent(value: number | null): string {
  if (value === null) return MISSING;
  if (value > 0 && value < 1) return "<1 %";
  return `${integer.format(value)} %`;
}

/** In the first of `units` that leaves three digits or less, each 1000 of the one before. */
function scaled(value: number | null, [smallest = "", ...larger]: readonly string[]): string {
  if (value === null) return MISSING;
  let rest = value;
  let unit = smallest;
  for (const next of larger) {
    if (Math.abs(rest) < 999.5) break;
    rest /= 1000;
    unit = next;
  }
  const isWhole = unit === smallest || rest >= 100;
  return `${isWhole ? integer.format(rest) : oneDigit.format(rest)} ${unit}`;
}

/** `940 kbit/s`, `1.2 Gbit/s`: decimal units, as links are sold. */
export function formatBitrate(kbit: number | null): string {
  return scaled(kbit, ["kbit/s", "Mbit/s", "Gbit/s", "Tbit/s"]);
}

/** `12 B`, `1.2 GB`: decimal units, as bitrates have them. */
export function formatBytes(bytes: number | null): string {
  return scaled(bytes, ["B", "kB", "MB", "GB", "TB", "PB"]);
}

/** The two largest units: `3d 4h`, `5m 10s`. */
export function formatDuration(seconds: number | null): string {
  if (seconds === null) return MISSING;
  const whole = Math.max(0, Math.floor(seconds));
  const days = Math.floor(whole / 86_400);
  const hours = Math.floor(whole / 3600) % 24;
  const minutes = Math.floor(whole / 60) % 60;
  if (days > 0) return `${days}d ${hours}h`;
  if (hours > 0) return `${hours}h ${minutes}m`;
  if (minutes > 0) return `${minutes}m ${whole % 60}s`;
  return `${whole}s`;
}

/** An exact moment, in UTC so that the logs of all nodes agree with it. */
export function formatInstant(ms: number): string {
  const date = new Date(ms);
  if (Number.isNaN(date.getTime())) return MISSING;
  return `${date.toISOString().slice(0, 19).replace("T", " ")} UTC`;
}

export function formatTime(ms: number): string {
  return formatInstant(ms).slice(11);
}

/** `a, b, and c`, cut after a few. */
export function formatNames(names: readonly string[]): string {
  const shown = names.slice(0, 4);
  const rest = names.length - shown.length;
  return listing.format(rest > 0 ? [...shown, `${rest} more`] : shown);
}

export type Level = "ok" | "warn" | "crit";

export interface Thresholds {
  warn: number;
  crit: number;
}

export function levelOf(value: number | null, { warn, crit }: Thresholds): Level {
  if (value === null || value < warn) return "ok";
  return value < crit ? "warn" : "crit";
}

export const MEMORY_THRESHOLDS: Thresholds = { warn: 80, crit: 95 };
export const NETWORK_THRESHOLDS: Thresholds = { warn: 70, crit: 90 };

/** A peer's own CPU limit is where it gets nothing new: that is its critical mark. */
export function cpuThresholds(limit: number | null): Thresholds {
  const crit = limit ?? 90;
  return { warn: Math.min(70, crit), crit };
}
