import { signal } from "@preact/signals";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { ApiProblem } from "./http";
import { poll, type Pace } from "./poll";

let askedAt: number[];
let answer: () => Promise<string>;
let stop: () => void;

beforeEach(() => {
  vi.useFakeTimers();
  vi.setSystemTime(0);
  vi.stubGlobal("document", Object.assign(new EventTarget(), { hidden: false }));
  vi.stubGlobal("addEventListener", () => undefined);
  vi.stubGlobal("removeEventListener", () => undefined);
  askedAt = [];
  answer = async () => "value";
});
afterEach(() => {
  stop();
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

function begin(pace: Pace): void {
  const fetchValue = (): Promise<string> => {
    askedAt.push(Date.now());
    return answer();
  };
  stop = poll(fetchValue, pace, { onValue: () => undefined, onProblem: () => undefined });
}

const refused = (status: number | null): ApiProblem =>
  new ApiProblem("refused", "no", "path", status);

it("asks at its interval while nothing hints", async () => {
  begin({ intervalMs: 4000, hint: signal(1) });
  await vi.advanceTimersByTimeAsync(9000);
  expect(askedAt).toEqual([0, 4000, 8000]);
});

it("asks sooner when a hint comes, and at once if the last question is old enough", async () => {
  const hint = signal(1);
  begin({ intervalMs: 4000, hint });
  await vi.advanceTimersByTimeAsync(500);
  hint.value = 2;
  await vi.advanceTimersByTimeAsync(4500);
  expect(askedAt).toEqual([0, 2000]);
  hint.value = 3;
  await vi.advanceTimersByTimeAsync(4500);
  expect(askedAt).toEqual([0, 2000, 5000, 9000]);
});

it("asks no more often than every two seconds, however many hints come", async () => {
  const hint = signal(1);
  begin({ intervalMs: 4000, hint });
  for (let count = 0; count < 100; count++) {
    hint.value += 1;
    await vi.advanceTimersByTimeAsync(100);
  }
  expect(askedAt).toEqual([0, 2000, 4000, 6000, 8000, 10_000]);
});

it("follows a hint that comes while an answer is on its way", async () => {
  const hint = signal(1);
  answer = () => new Promise((resolve) => setTimeout(() => resolve("late"), 3000));
  begin({ intervalMs: 4000, hint });
  await vi.advanceTimersByTimeAsync(1000);
  hint.value = 2;
  await vi.advanceTimersByTimeAsync(2500);
  expect(askedAt).toHaveLength(2);
});

it("tries again soon without an answer, but presses no node that refuses", async () => {
  answer = () => Promise.reject(refused(null));
  begin({ intervalMs: 10_000 });
  await vi.advanceTimersByTimeAsync(9000);
  expect(askedAt.length).toBeGreaterThan(2);
  stop();
  askedAt = [];
  answer = () => Promise.reject(refused(404));
  begin({ intervalMs: 10_000 });
  await vi.advanceTimersByTimeAsync(9000);
  expect(askedAt).toHaveLength(1);
});

it("says no more once it is stopped", async () => {
  const hint = signal(1);
  begin({ intervalMs: 4000, hint });
  stop();
  hint.value = 2;
  await vi.advanceTimersByTimeAsync(9000);
  expect(askedAt).toEqual([0]);
});
