import { expect, it } from "vitest";
import { ApiProblem, type Fault } from "../api/http";
import { SHAPE, differences, vodFaults } from "./fields";
import { strings } from "./strings";

const MOVIES = SHAPE.read({
  prefix: "movies",
  storages: [{ url: "/a" }, { url: "/b" }],
  segment_duration: 4,
});

function refused(status: number, ...faults: Partial<Fault>[]): ApiProblem {
  const whole = faults.map((fault) => ({ pointer: null, title: "", detail: null, ...fault }));
  return new ApiProblem("refused", "first title", "x", status, "code", null, whole);
}

it("sends only what was changed", () => {
  expect(SHAPE.patchOf(MOVIES, MOVIES)).toEqual({});
  expect(SHAPE.patchOf(MOVIES, { ...MOVIES, duration: "6" })).toEqual({ segment_duration: 6 });
  expect(SHAPE.patchOf(MOVIES, { ...MOVIES, duration: "" })).toEqual({ segment_duration: null });
  expect(SHAPE.patchOf(MOVIES, { ...MOVIES, duration: "six" })).toEqual({
    segment_duration: "six",
  });
  expect(SHAPE.patchOf(MOVIES, { ...MOVIES, storages: ["/b", ""] })).toEqual({
    storages: [{ url: "/b" }],
  });
  expect(SHAPE.patchOf(MOVIES, { ...MOVIES, storages: ["/a", "/b", ""] })).toEqual({});
});

it("reads what is no collection as an empty one", () => {
  expect(SHAPE.read(null)).toEqual({ storages: [], duration: "" });
  expect(SHAPE.read({ storages: "x", segment_duration: {} })).toEqual({
    storages: [],
    duration: "",
  });
});

it("puts what was changed here on what was changed there", () => {
  const mine = { ...MOVIES, storages: ["/mine"] };
  const theirs = { storages: ["/theirs"], duration: "8" };
  expect(SHAPE.rebased(MOVIES, mine, theirs)).toEqual({ storages: ["/mine"], duration: "8" });
  expect(differences(MOVIES, mine, theirs)).toEqual([
    { label: strings.storages, mine: "/mine", theirs: "/theirs" },
    { label: strings.duration.label, mine: "4", theirs: "8" },
  ]);
});

it("tells what is no folder before it is sent", () => {
  expect(SHAPE.check(MOVIES)).toEqual({});
  for (const storages of [[], [""], [" ", ""]])
    expect(SHAPE.check({ ...MOVIES, storages })).toEqual({
      "storages-0-url": strings.storageWanted,
    });
  expect(SHAPE.check({ ...MOVIES, storages: ["films", "HTTP://cdn/films", ""] })).toEqual({
    "storages-1-url": strings.storageWanted,
  });
});

it("says in its own words why a storage was refused", () => {
  const problem = (code: string): ApiProblem => {
    const fault = { pointer: "/storages/1/url", title: "expected `storage NAME;`", detail: "x" };
    return new ApiProblem("refused", "first title", "x", 400, code, null, [fault]);
  };
  expect(vodFaults(problem("storage_not_allowed"), MOVIES)).toEqual({
    "storages-1-url": strings.storageNotAllowed,
  });
  expect(vodFaults(problem("wrong_type"), MOVIES)).toEqual({
    "storages-1-url": strings.storageWanted,
  });
});

it("puts a refusal at the field that it is about", () => {
  const found = vodFaults(
    refused(
      400,
      { pointer: "/storages/1/url", title: "not there" },
      { pointer: "/vods/2/storages/0/url", title: "not this" },
      { pointer: "/segment_duration", title: "too long" },
      { pointer: "/prefix", title: "reserved" },
      { title: "and more" },
    ),
    MOVIES,
  );
  expect(found).toEqual({
    "storages-1-url": "Not there.",
    "storages-0-url": "Not this.",
    segment_duration: "Too long.",
    prefix: "Reserved.",
    "": "And more.",
  });
  expect(vodFaults(refused(412), MOVIES)).toEqual({ prefix: strings.prefixTaken });
});

it("finds the row that was refused, where others are empty", () => {
  const draft = { ...MOVIES, storages: ["", "/b", "/etc", ""] };
  expect(vodFaults(refused(403, { pointer: "/storages/1/url", title: "no" }), draft)).toEqual({
    "storages-2-url": "No.",
  });
});
