// The collections that can be followed, and how what is told of them becomes rows.

import { fields, number, type Fields } from "./model";

export const COLLECTIONS = ["peers", "streams", "sessions", "stats"] as const;

export type Collection = (typeof COLLECTIONS)[number];

/** Where each can be asked for, and the field that names its items. */
export const LISTS: Record<Collection, { path: string; key: string }> = {
  peers: { path: "cluster/peers", key: "hostname" },
  streams: { path: "streams", key: "name" },
  sessions: { path: "sessions", key: "id" },
  stats: { path: "config/stats", key: "hostname" },
};

/** One whole change of a collection. */
export interface Told {
  collection: Collection;
  /** These are all rows: whatever was told before is void. */
  isFull: boolean;
  items: unknown[];
  gone: string[];
  /** How many there are; more than the rows where the node leaves some out. */
  estimatedCount: number;
}

/** A collection as known here. */
export interface Rows {
  items: ReadonlyMap<string, Fields>;
  estimatedCount: number;
}

/** `before` with the change made; null as long as nothing whole was told. */
export function applied(before: Rows | null, told: Told): Rows | null {
  if (!before && !told.isFull) return null;
  const items = new Map(told.isFull ? [] : before?.items);
  for (const key of told.gone) items.delete(key);
  for (const item of told.items) {
    const row = fields(item);
    const key = row[LISTS[told.collection].key];
    items.set(typeof key === "string" ? key : "", row);
  }
  return { items, estimatedCount: told.estimatedCount };
}

/** The change that leads anybody to `rows`. */
export function toldWhole(collection: Collection, rows: Rows): Told {
  const { items, estimatedCount } = rows;
  return { collection, isFull: true, items: [...items.values()], gone: [], estimatedCount };
}

/** Puts the events of one change together. */
export class Changes {
  private readonly begun = new Map<Collection, Told>();

  /** The change that the event completes; null where more belongs to it, or it is none of ours. */
  add(name: string, data: unknown): Told | null {
    const collection = COLLECTIONS.find((known) => known === name);
    const { full, more, items, gone, estimated_count: count } = fields(data);
    if (!collection || !Array.isArray(items)) return null;
    const before = full === true ? undefined : this.begun.get(collection);
    const told = {
      collection,
      isFull: before?.isFull ?? full === true,
      items: [...(before?.items ?? []), ...items],
      gone: [...(before?.gone ?? []), ...(Array.isArray(gone) ? gone : [])],
      estimatedCount: number(count) ?? items.length,
    };
    if (more === true) this.begun.set(collection, told);
    else this.begun.delete(collection);
    return more === true ? null : told;
  }
}
