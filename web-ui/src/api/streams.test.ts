import { describe, expect, it } from "vitest";
import { listPath, readSession, readStream, readStreams } from "./streams";

describe("a stream as the node tells it", () => {
  it("is read though everything is missing or of another type", () => {
    for (const value of [null, 7, {}, { name: 1, inputs: "x", stats: [], named_by: {} }]) {
      const stream = readStream(value);
      expect(stream).toMatchObject({ name: "?", namedBy: "remote", state: "unknown", inputs: [] });
      expect(stream.bitrateKbit).toBeNull();
    }
    expect(readStream({ stats: { running_on: ["a", 1], media_info: { tracks: [null] } } })).toEqual(
      expect.objectContaining({ runningOn: ["a"], tracks: [expect.anything()] }),
    );
    expect(readSession({ bytes: "12" })).toMatchObject({ id: "?", bytes: null });
  });

  it("has no frames where it runs but is not alive", () => {
    const state = (status: string, alive?: boolean) =>
      readStream({ stats: { status, alive } }).state;
    expect(state("running", true)).toBe("running");
    expect(state("running")).toBe("running");
    expect(state("running", false)).toBe("silent");
    expect(state("waiting", false)).toBe("waiting");
    expect(state("on fire")).toBe("unknown");
  });
});

it("reads a page with what lies before and behind it", () => {
  const page = readStreams({ streams: [{ name: "a" }], estimated_count: 9, next: "n", prev: null });
  expect(page).toMatchObject({ count: 9, next: "n", previous: null });
  expect(readStreams({ streams: [{}, {}] }).count).toBe(2);
});

it("asks for one page, and leaves out what is not wanted", () => {
  const wanted = { sort: "name", isDescending: false, query: "", cursor: "", filters: {} };
  expect(listPath("streams", wanted)).toBe("streams?limit=100&sort=name");
  const filters = { "stats.running_on": "a&b", "stats.status": "" };
  expect(
    listPath("streams", { ...wanted, isDescending: true, query: "ü x", cursor: "c=", filters }),
  ).toBe("streams?limit=100&sort=-name&q=%C3%BC+x&stats.running_on=a%26b&cursor=c%3D");
});
