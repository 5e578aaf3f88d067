import { describe, expect, it } from "vitest";
import { readPeer } from "../api/model";
import type { Order } from "../table/order";
import { filterRows, sortRows, type SortKey } from "./order";
import { buildRows, type Row } from "./rows";
import { readNodeStats } from "../api/model";

function rowsOf(...peers: unknown[]): Row[] {
  const node = readNodeStats({ hostname: "zulu", server_version: "1.0", cpu_usage: 1 });
  return buildRows({ node, peers: peers.map(readPeer), receivedAtMs: 0 }, "broken");
}

const peer = (hostname: string, stats: object): object => ({
  hostname,
  stats: { state: "up", ...stats },
});
const names = (rows: Row[]): string[] => rows.map((row) => row.name);
const by = (key: SortKey, direction: Order["direction"]): Order<SortKey> => ({ key, direction });

describe("sorting", () => {
  it("puts numbers in names into their natural order", () => {
    const rows = rowsOf(peer("node104", {}), peer("node14", {}), peer("node2", {}));
    expect(names(sortRows(rows, by("name", "asc")))).toEqual([
      "zulu",
      "node2",
      "node14",
      "node104",
    ]);
  });

  it("keeps this node first and unknown numbers last, rising and falling", () => {
    const rows = rowsOf(peer("a", { cpu_usage: 5 }), peer("b", {}), peer("c", { cpu_usage: 50 }));
    expect(names(sortRows(rows, by("cpu", "asc")))).toEqual(["zulu", "a", "c", "b"]);
    expect(names(sortRows(rows, by("cpu", "desc")))).toEqual(["zulu", "c", "a", "b"]);
  });

  it("shows the worst state first, then the name", () => {
    const rows = rowsOf(
      peer("b", {}),
      peer("a", {}),
      peer("s", { state: "self" }),
      peer("l", { state: "late" }),
      peer("d", { state: "down" }),
      peer("k", { state: "unauthorized" }),
    );
    expect(names(sortRows(rows, by("state", "asc")))).toEqual([
      "zulu",
      "d",
      "k",
      "l",
      "a",
      "b",
      "s",
    ]);
  });
});

describe("the filter", () => {
  const rows = rowsOf(
    peer("east", {}),
    peer("west", { state: "down", error: "connection refused" }),
  );
  const matching = (query: string): string[] =>
    names(filterRows(rows, query, (state) => (state === "down" ? "Down" : "Up"), "this node"));

  it("finds names, state words, reasons and the tag, whatever the case", () => {
    expect(matching("EAST")).toEqual(["east"]);
    expect(matching("down")).toEqual(["west"]);
    expect(matching("refused")).toEqual(["west"]);
    expect(matching("this node")).toEqual(["zulu"]);
  });

  it("wants every word, and shows all for none", () => {
    expect(matching("west up")).toEqual([]);
    expect(matching("  ")).toHaveLength(3);
  });
});
