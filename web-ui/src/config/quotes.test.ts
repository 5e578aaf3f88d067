import { expect, it } from "vitest";
import type { Fault } from "../api/http";
import { mayFollow } from "./quotes";

const fault = (title: string, line: number, path = "a.conf"): Fault => ({
  pointer: null,
  title,
  detail: null,
  place: { path, line, col: 1 },
});

const QUOTE = fault("the quote is never closed", 3);

it("takes what is on the line of an unclosed quote or below for what may follow from it", () => {
  const unclosedBlock = fault("`{` of `stream` is never closed", 3);
  const below = fault("`title` has no block", 9);
  expect(
    [unclosedBlock, below].map((one) => mayFollow(one, [unclosedBlock, QUOTE, below])),
  ).toEqual([true, true]);
  expect(mayFollow(below, [below])).toBe(false);
});

it("leaves alone what is above it, in another file, at no place, or a quote too", () => {
  const others = [
    fault("unknown word `bogus`", 2),
    fault("unknown word `bogus`", 9, "b.conf"),
    { ...fault("too large", 9), place: null },
    fault("the quote is never closed", 5),
  ];
  for (const one of others) expect(mayFollow(one, [QUOTE, ...others])).toBe(false);
});
