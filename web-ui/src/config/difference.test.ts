import { expect, it } from "vitest";
import { changesOf, merged, regionsOf, type Change } from "./difference";

const lines = (text: string): string[] => text.split("");

function applied(base: readonly string[], changes: readonly Change[]): string[] {
  return merged(
    base,
    changes.map(({ from, to, lines }) => ({ from, to, mine: lines, theirs: null })),
  );
}

it("finds few changes that turn one into the other", () => {
  expect(changesOf(lines("abc"), lines("abc"))).toEqual([]);
  expect(changesOf(lines("abcdef"), lines("aXcdf"))).toEqual([
    { from: 1, to: 2, lines: ["X"] },
    { from: 4, to: 5, lines: [] },
  ]);
  expect(changesOf(lines("ac"), lines("abbc"))).toEqual([{ from: 1, to: 1, lines: ["b", "b"] }]);
  expect(changesOf(lines(""), lines("ab"))).toEqual([{ from: 0, to: 0, lines: ["a", "b"] }]);
});

it("reproduces any text", () => {
  let seed = 7;
  const random = (below: number): number => (seed = (seed * 1103515245 + 12345) % 2 ** 31) % below;
  const text = (): string[] => Array.from({ length: random(40) }, () => "abcd"[random(4)] ?? "");
  for (let round = 0; round < 500; round++) {
    const [before, after] = [text(), text()];
    expect(applied(before, changesOf(before, after))).toEqual(after);
  }
});

it("takes large texts that have nothing in common, and large ones with much", () => {
  const many = (prefix: string): string[] =>
    Array.from({ length: 20_000 }, (_, index) => `${prefix}${index}`);
  expect(changesOf(many("a"), many("b"))).toHaveLength(1);
  const edited = many("a");
  edited[0] = "first";
  edited[10_000] = "middle";
  edited[19_999] = "last";
  expect(changesOf(many("a"), edited).map(({ from }) => from)).toEqual([0, 10_000, 19_999]);
});

it("puts two changes of one text together; at the same lines, mine", () => {
  const [base, mine, theirs] = [lines("abcdefgh"), lines("aBcdeXfgh"), lines("AbcdeYfgH")];
  const regions = regionsOf(base, mine, theirs);
  expect(regions).toEqual([
    { from: 0, to: 1, mine: null, theirs: ["A"] },
    { from: 1, to: 2, mine: ["B"], theirs: null },
    { from: 5, to: 5, mine: ["X"], theirs: ["Y"] },
    { from: 7, to: 8, mine: null, theirs: ["H"] },
  ]);
  expect(merged(base, regions).join("")).toBe("ABcdeXfgH");
});

it("joins what overlaps, and takes what both did alike once", () => {
  const regions = regionsOf(lines("abcdef"), lines("aXef"), lines("abcYf"));
  expect(regions).toEqual([{ from: 1, to: 5, mine: ["X", "e"], theirs: ["b", "c", "Y"] }]);
  expect(merged(lines("abcdef"), regions).join("")).toBe("aXef");
  const alike = regionsOf(lines("abc"), lines("aXc"), lines("aXc"));
  expect(alike).toEqual([{ from: 1, to: 2, mine: null, theirs: ["X"] }]);
  expect(merged(lines("abc"), alike).join("")).toBe("aXc");
});
