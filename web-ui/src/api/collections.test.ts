import { expect, it } from "vitest";
import { applied, Changes, toldWhole, type Rows, type Told } from "./collections";

const told = (over: Partial<Told>): Told => ({
  collection: "streams",
  isFull: false,
  items: [],
  gone: [],
  estimatedCount: 2,
  ...over,
});
const names = (rows: Rows | null): string[] => [...(rows?.items.keys() ?? [])];

it("adds, replaces and takes away rows, and begins anew with a full change", () => {
  const all = applied(null, told({ isFull: true, items: [{ name: "a", n: 1 }, { name: "b" }] }));
  const next = applied(all, told({ items: [{ name: "a", n: 2 }, { name: "c" }], gone: ["b"] }));
  expect(names(next)).toEqual(["a", "c"]);
  expect(next?.items.get("a")).toEqual({ name: "a", n: 2 });
  expect(names(all)).toEqual(["a", "b"]); // What is shown does not change under the page.
  expect(names(applied(next, told({ isFull: true, items: [{ name: "z" }] })))).toEqual(["z"]);
  expect(applied(null, toldWhole("streams", next!))).toEqual(next);
});

it("waits for everything before it takes changes", () => {
  expect(applied(null, told({ items: [{ name: "a" }] }))).toBeNull();
});

it("takes items of any shape without a fault", () => {
  const rows = applied(null, told({ isFull: true, items: [null, 7, { name: 3 }, { name: "a" }] }));
  expect(names(rows)).toEqual(["", "a"]);
});

it("puts the events of one change together", () => {
  const changes = new Changes();
  const first = { full: true, more: true, items: [{ name: "a" }], gone: [], estimated_count: 3 };
  const rest = { full: false, more: false, items: [{ name: "b" }], gone: [], estimated_count: 3 };
  expect(changes.add("streams", first)).toBeNull();
  expect(changes.add("peers", rest)).toMatchObject({ isFull: false, items: [{ name: "b" }] });
  expect(changes.add("streams", first)).toBeNull(); // The node told it anew meanwhile.
  expect(changes.add("streams", rest)).toEqual(
    told({ isFull: true, items: [{ name: "a" }, { name: "b" }], estimatedCount: 3 }),
  );
  expect(changes.add("streams", rest)).toMatchObject({ isFull: false });
  for (const data of [null, 1, {}, { items: 7 }]) expect(changes.add("streams", data)).toBeNull();
  expect(changes.add("weather", rest)).toBeNull();
});
