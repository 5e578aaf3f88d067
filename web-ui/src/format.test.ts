import { expect, it } from "vitest";
import * as format from "./format";

it.each([
  [null, "–"],
  [0, "0 kbit/s"],
  [940, "940 kbit/s"],
  [1500, "1.5 Mbit/s"],
  [118_400, "118 Mbit/s"],
  [999_600, "1.0 Gbit/s"],
  [12_400_000, "12.4 Gbit/s"],
])("writes %s kbit/s as %s", (kbit, text) => expect(format.formatBitrate(kbit)).toBe(text));

it.each([
  [null, "–"],
  [12, "12 B"],
  [1_234_567, "1.2 MB"],
  [5_400_000_000_000, "5.4 TB"],
])("writes %s bytes as %s", (bytes, text) => expect(format.formatBytes(bytes)).toBe(text));

it.each([
  [null, "–"],
  [0, "0s"],
  [59.9, "59s"],
  [310, "5m 10s"],
  [7260, "2h 1m"],
  [273_700, "3d 4h"],
  [-5, "0s"],
])("writes %s seconds as %s", (seconds, text) => expect(format.formatDuration(seconds)).toBe(text));

it.each([
  [null, "–"],
  [0, "0 %"],
  [0.3, "<1 %"],
  [41.6, "42 %"],
])("writes %s percent as %s", (value, text) => expect(format.formatPercent(value)).toBe(text));

it("takes a peer's own CPU limit for the critical mark", () => {
  expect(format.levelOf(86, format.cpuThresholds(null))).toBe("warn");
  expect(format.levelOf(86, format.cpuThresholds(85))).toBe("crit");
  expect(format.levelOf(55, format.cpuThresholds(50))).toBe("crit");
  expect(format.levelOf(null, format.cpuThresholds(50))).toBe("ok");
});

it("survives a start time that is no time", () => expect(format.formatInstant(1e300)).toBe("–"));

it("cuts long lists of names", () =>
  expect(format.formatNames(["a", "b", "c", "d", "e", "f"])).toBe("a, b, c, d, and 2 more"));
