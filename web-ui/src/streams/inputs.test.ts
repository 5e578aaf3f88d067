import { expect, it } from "vitest";
import { readStream } from "../api/streams";
import { inputRows } from "./inputs";

const rows = (urls: string[], source_error: string | null, status = "running") =>
  inputRows(
    readStream({
      name: "cam",
      inputs: urls.map((url) => ({ url })),
      stats: { status, alive: status === "running", source_error },
    }),
  ).map(({ state, error }) => [state, error]);

it("gives the error of a stream with one input to that", () => {
  expect(rows(["publish://"], "gone", "error")).toEqual([["error", "gone"]]);
  expect(rows(["publish://"], null, "waiting")).toEqual([["waiting", null]]);
});

it("finds the input that an error names, and says that the other one delivers", () => {
  const error = "rtsp://10.0.0.9/ch1: connection refused";
  expect(rows(["file://bars.mp4", "rtsp://user:***@10.0.0.9/ch1"], error)).toEqual([
    ["running", null],
    ["error", error],
  ]);
  expect(rows(["file://none.mp4", "publish://"], "file ./none.mp4: no such file")).toEqual([
    ["error", "file ./none.mp4: no such file"],
    ["running", null],
  ]);
});

it("says nothing of inputs that nothing is known of", () => {
  expect(rows(["file://a.mp4", "file://b.mp4"], "gone")).toEqual([
    ["unknown", null],
    ["unknown", null],
  ]);
  expect(rows([], "gone")).toEqual([]);
});
