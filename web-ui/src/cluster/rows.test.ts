import { describe, expect, it } from "vitest";
import { readNodeStats, readPage, readPeer, type ClusterSnapshot } from "../api/model";
import { findFindings } from "./findings";
import { buildRows, sumRows } from "./rows";

function snapshot(...peers: unknown[]): ClusterSnapshot {
  const node = readNodeStats({ hostname: "n", server_version: "1.0", total_clients: 10 });
  return { node, peers: peers.map(readPeer), receivedAtMs: 0 };
}

const rowsOf = (...peers: unknown[]) => buildRows(snapshot(...peers), "broken");
const peer = (state: string, stats: object = {}): object => ({
  hostname: state,
  stats: { state, ...stats },
});

describe("reading answers", () => {
  it.each([
    null,
    5,
    "x",
    [],
    {},
    { stats: null },
    { hostname: 7, stats: { state: 3, cpu_usage: "9" } },
  ])("makes a row of anything: %j", (garbage) => {
    const [, row] = rowsOf(garbage);
    expect(row).toMatchObject({ name: "?", state: "unknown", freshness: "blank" });
    expect(row?.stats.cpuPercent).toBeNull();
  });

  it("takes a list that is none for an empty one", () => {
    expect(readPage("nonsense", "peers")).toEqual({ items: [], next: null });
    expect(readPage({ peers: {}, next: "c" }, "peers")).toEqual({ items: [], next: "c" });
  });
});

describe("numbers", () => {
  it("are blanked for a peer that is down, but its version stays", () => {
    const [, row] = rowsOf(peer("down", { total_clients: 99, server_version: "0.9" }));
    expect(row?.stats).toMatchObject({ clients: null, version: "0.9" });
    expect(row?.versionDiffers).toBe(true);
  });

  it("are summed over fresh peers only, and the sums say what they leave out", () => {
    const fresh = [peer("up", { total_clients: 1 }), peer("draining", { total_clients: 2 })];
    const old = [peer("late", { total_clients: 4 }), peer("down", { total_clients: 8 })];
    expect(sumRows(rowsOf(...fresh, ...old))).toMatchObject({
      clients: 13,
      excluded: 2,
      peersUp: 1,
      peers: 4,
    });
  });

  it("count a stream once that several nodes capture, where this node tells", () => {
    const peers = [peer("up", { total_streams: 4 })];
    expect(sumRows(rowsOf(...peers)).streams).toBe(4);
    const node = readNodeStats({ total_streams: 3, cluster_streams: 5 });
    const rows = buildRows({ ...snapshot(...peers), node }, "broken");
    expect(sumRows(rows).streams).toBe(5);
  });

  it("are null, not zero, where no node knows them", () => {
    expect(sumRows(rowsOf(peer("up"))).outputKbit).toBeNull();
  });

  it("do not count entries that point to this node or to a known one as peers", () => {
    expect(sumRows(rowsOf(peer("self"), peer("duplicate"), peer("up")))).toMatchObject({
      peersUp: 1,
      peers: 1,
      excluded: 0,
    });
  });
});

describe("findings", () => {
  const kinds = (...peers: unknown[]): string[] =>
    findFindings(rowsOf(...peers)).map(({ kind }) => kind);

  it("suspects a partition when most peers are down, but not for one of one", () => {
    const [lost, heard] = [peer("down", { age: 9000 }), peer("up", { age: 300 })];
    expect(kinds(lost, lost, heard)).toEqual(["partition"]);
    expect(kinds(lost)).toEqual([]);
  });

  it("takes peers that never answered for no sign of a partition", () => {
    const silent = peer("down", { age: null });
    expect(kinds(silent, silent, silent)).toEqual([]);
    const lost = peer("down", { age: 9000 });
    expect(findFindings(rowsOf(lost, lost, silent))).toEqual([
      { kind: "partition", unreachable: 2, peers: 2 },
    ]);
  });

  it("names key, clock and version trouble", () => {
    expect(kinds(peer("unauthorized"))).toEqual(["key"]);
    expect(kinds(peer("up", { clock_offset: -31_000 }))).toEqual(["clock"]);
    expect(kinds(peer("up", { server_version: "2.0" }))).toEqual(["version"]);
  });
});

describe("reasons", () => {
  it("are what is wrong, else what the node warns of", () => {
    const warning = "http only: players that come here by https are relayed";
    expect(rowsOf(peer("up", { error: null, warning }))[1]?.reason).toBe(warning);
    expect(rowsOf(peer("late", { error: "no answer", warning }))[1]?.reason).toBe("no answer");
  });
});

describe("this node", () => {
  it("says when it drains, or runs on an older config", () => {
    const row = (status: string) =>
      buildRows({ ...snapshot(), node: readNodeStats({ streamer_status: status }) }, "broken")[0];
    expect(row("draining")?.state).toBe("draining");
    expect(row("broken_config")).toMatchObject({
      state: "up",
      reason: "broken",
      name: "this node",
    });
  });
});
