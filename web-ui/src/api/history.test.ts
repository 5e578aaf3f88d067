import { expect, it } from "vitest";
import { readHistory } from "./history";

it("reads samples by time and changes from the newest on", () => {
  const { stepMs, samples, changes } = readHistory({
    step_ms: 5000,
    samples: [
      { at: 20, cpu_usage: 0, memory_usage: null, fetch_ms: 3 },
      { at: 10, cpu_usage: "much", output_kbit: 7, total_clients: 2 },
    ],
    changes: [
      { at: 5, state: "up", reason: null },
      { at: 9, state: "down", reason: "connection refused" },
    ],
  });
  expect(stepMs).toBe(5000);
  const [first, second] = samples;
  expect(first).toMatchObject({ atMs: 10, cpuPercent: null, outputKbit: 7, clients: 2 });
  expect(second).toMatchObject({ atMs: 20, cpuPercent: 0, memoryPercent: null, fetchMs: 3 });
  expect(changes.map(({ state, reason }) => [state, reason])).toEqual([
    ["down", "connection refused"],
    ["up", null],
  ]);
});

it("makes do with nothing, and with nonsense", () => {
  for (const value of [null, "", {}, { samples: {}, changes: 3, step_ms: 0 }])
    expect(readHistory(value)).toEqual({ stepMs: 10_000, samples: [], changes: [] });
  const odd = { samples: [null, { at: "now" }, { at: 1 }], changes: [{ at: 1, state: "upp" }] };
  expect(readHistory(odd).samples).toHaveLength(1);
  expect(readHistory(odd).changes[0]?.state).toBe("unknown");
});

it("keeps no more than a page can show", () => {
  const item = (_: unknown, at: number) => ({ at, state: "up" });
  const many = Array.from({ length: 20_000 }, item);
  const { samples, changes } = readHistory({ samples: many, changes: many });
  expect([samples.length, samples.at(-1)?.atMs]).toEqual([1000, 19_999]);
  expect([changes.length, changes[0]?.atMs]).toEqual([20, 19_999]);
});
