import { expect, it } from "vitest";
import { History, POINTS_MAX, STEP_MS, sparkline } from "./history";

const at = (value: number) => new Map([["this", value]]);

it("keeps one point a step and five minutes in all", () => {
  const history = new History();
  for (let now = 0; now < 2 * POINTS_MAX * STEP_MS; now += 1000) history.record(at(now), now);
  expect(history.of("this")).toHaveLength(POINTS_MAX);
});

it("shows hidden time as a gap and forgets what is gone", () => {
  const history = new History();
  history.record(at(1), 0);
  history.record(at(2), 3 * STEP_MS);
  expect(history.of("this")).toEqual([1, null, null, 2]);
  history.record(new Map(), 4 * STEP_MS);
  expect(history.of("this")).toEqual([]);
});

it("draws no line through a single point, and lifts the pen over gaps", () => {
  expect(sparkline([5], 60, 18)).toBe("");
  expect(sparkline([1, 2, null, 2, 1], 60, 18).match(/M/g)).toHaveLength(2);
  expect(sparkline([0, 0], 60, 18)).not.toContain("NaN");
});
