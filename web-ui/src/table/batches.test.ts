import { expect, it } from "vitest";
import { nextRows } from "./batches";

const next = (drawn: string, wanted: string, changesMax = 2): string =>
  nextRows([...drawn], [...wanted], (row) => row, changesMax).join("");

/** What is drawn frame by frame until all is as wanted. */
function frames(drawn: string, wanted: string): string[] {
  const all = [];
  for (let now = drawn; now !== wanted && all.length < 99; all.push(now)) now = next(now, wanted);
  return all;
}

it("draws what is there already and a batch of what is new", () => {
  expect(frames("", "abcde")).toEqual(["ab", "abcd", "abcde"]);
  expect(frames("bd", "abcde")).toEqual(["abcd", "abcde"]);
});

it("draws rows that only have new numbers, and drops others, at once", () => {
  expect(next("abcdefgh", "abcdefgh", 0)).toBe("abcdefgh");
  expect(next("abcdefgh", "adh", 0)).toBe("adh");
});

it("sorts from the top without taking a row away", () => {
  expect(frames("abcdef", "fedcba")).toEqual(["feabcd", "fedcab", "fedcba"]);
});

it("comes to its end from anything to anything", () => {
  for (const wanted of ["", "a", "hgfedcba", "bcdefgha", "habcdefg", "xaybzc", "xyz"]) {
    expect(next("abcdefgh", wanted, 99)).toBe(wanted);
    if (wanted) expect(frames("abcdefgh", wanted).at(-1)).toBe(wanted);
  }
});
