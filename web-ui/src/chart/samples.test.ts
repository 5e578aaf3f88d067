import { expect, it } from "vitest";
import { columns, recorded, summary, type Sample } from "./samples";

const sample = (atMs: number, ...values: (number | null)[]): Sample => ({ atMs, values });

it("keeps what is not known as null, and fills up what is missing", () => {
  expect(columns([sample(0, 1, null), sample(10, 0), sample(20, null, 5)], 2, 15)).toEqual([
    [0, 10, 20],
    [1, 0, null],
    [null, null, 5],
  ]);
  expect(columns([], 1, 15)).toEqual([[], []]);
});

it("joins samples that are a little late, and none across a gap", () => {
  expect(columns([sample(0, 1), sample(15, 2), sample(45, 3)], 1, 15)).toEqual([
    [0, 15, 30, 45],
    [1, 2, null, 3],
  ]);
});

it("sums up what is known, and takes nothing for the last value but the last", () => {
  expect(summary([3, null, 1, 2])).toEqual({ last: 2, least: 1, most: 3 });
  expect(summary([0, null])).toEqual({ last: null, least: 0, most: 0 });
  expect(summary([])).toEqual({ last: null, least: null, most: null });
});

it("records each moment once, and forgets the oldest", () => {
  let all: readonly Sample[] = [];
  for (const atMs of [1, 1, 2, 3, 2]) all = recorded(all, sample(atMs, atMs), 2);
  expect(all.map(({ atMs }) => atMs)).toEqual([2, 3]);
});
