import { describe, expect, it } from "vitest";
import { KEPT, SHAPE, differences, type Draft } from "./fields";

const { check, patchOf, read, rebased } = SHAPE;

const STORED = read({
  hostname: "south",
  api_url: "http://south",
  fetch_timeout: 1000,
  stale_timeout: 10_000,
  channel_limit: null,
  cluster_key: KEPT,
  stats: { state: "up" },
});
const edited = (changes: Partial<Draft>): Draft => ({ ...STORED, ...changes });

it("reads what is missing, null or of another type as empty", () => {
  expect(STORED.channel_limit).toBe("");
  expect(STORED.fetch_timeout).toBe("1000");
  for (const value of [null, undefined, 5, "x", { api_url: ["http://a"], cpu_limit: {} }])
    expect(Object.values(read(value)).join("")).toBe("");
});

describe("a change", () => {
  it("holds what differs only: numbers as numbers, what was emptied as null", () => {
    expect(patchOf(STORED, STORED)).toEqual({});
    const draft = edited({ api_url: "", cpu_limit: "90", public_payload_url: "s.example.com" });
    expect(patchOf(STORED, draft)).toEqual({
      api_url: null,
      cpu_limit: 90,
      public_payload_url: "s.example.com",
    });
  });

  it("never holds a key that was not typed", () => {
    expect(patchOf(STORED, edited({ cluster_key: "another" }))).toEqual({ cluster_key: "another" });
    expect(patchOf(STORED, edited({ cluster_key: "" }))).toEqual({ cluster_key: null });
  });

  it("is done again to what somebody else made of it", () => {
    const theirs = edited({ cpu_limit: "80", api_url: "http://10.0.0.2" });
    const mine = edited({ cpu_limit: "90", channel_limit: "5" });
    expect(rebased(STORED, mine, theirs)).toEqual({
      ...theirs,
      cpu_limit: "90",
      channel_limit: "5",
    });
  });
});

describe("a conflict", () => {
  it("tells what either side has made of each field that one of them changed", () => {
    const mine = edited({ cpu_limit: "90", cluster_key: "typed" });
    const theirs = edited({ cpu_limit: "", api_url: "http://10.0.0.2" });
    expect(differences(edited({ cpu_limit: "50" }), mine, theirs)).toEqual([
      { label: "API URL", mine: "not changed", theirs: "http://10.0.0.2" },
      { label: "CPU limit, %", mine: "90", theirs: "removed" },
      { label: "Cluster key", mine: KEPT, theirs: "not changed" },
    ]);
  });
});

describe("a check", () => {
  it("finds nothing in what is stored, nor in a form of empty fields", () => {
    expect(check(STORED)).toEqual({});
    expect(check(read({}))).toEqual({});
  });

  it.each<[keyof Draft, string[]]>([
    ["api_url", ["south:8081", "ftp://south", "http://", "http://a b"]],
    ["private_payload_url", ["south"]],
    ["fetch_timeout", ["9", "1.5", "-10", "1e3", "3600001", "soon"]],
    ["channel_limit", ["-1", "many", "4294967296"]],
    ["cpu_limit", ["101", "90%"]],
  ])("refuses a wrong %s", (name, values) => {
    for (const value of values)
      expect(Object.keys(check(edited({ [name]: value }))), value).toContain(name);
  });

  it("wants the stale timeout above twice the fetch timeout, defaults too", () => {
    expect(check(edited({ stale_timeout: "2000" }))).toHaveProperty("stale_timeout");
    expect(check(edited({ stale_timeout: "2001" }))).toEqual({});
    const slow = edited({ fetch_timeout: "5000", stale_timeout: "" });
    expect(check(slow)).toHaveProperty("stale_timeout");
  });
});
