import { expect, it } from "vitest";
import { ApiProblem, type Fault } from "../api/http";
import { SHAPE, differences, streamFaults } from "./fields";

const STORED = {
  name: "cam",
  title: "Main",
  password: "***",
  static: true,
  clients_timeout: 60,
  inputs: [{ url: "rtsp://u:***@10.0.0.9/a", priority: 1, rtsp_transport: "tcp" }],
};
const base = SHAPE.read(STORED);

it("sends what was changed, and only that", () => {
  expect(SHAPE.patchOf(base, base)).toEqual({});
  const mine = { ...base, title: "", clients_timeout: "90", password: "12", isStatic: false };
  expect(SHAPE.patchOf(base, mine)).toEqual({
    title: null,
    clients_timeout: 90,
    password: "12",
    static: false,
  });
});

it("keeps settings of an input that the form does not show", () => {
  const added = { url: "publish://", priority: "", others: {} };
  expect(SHAPE.patchOf(base, { ...base, inputs: [...base.inputs, added] })).toEqual({
    inputs: [STORED.inputs[0], { url: "publish://" }],
  });
});

it("sends what is no number as it is, for the node to refuse", () => {
  expect(SHAPE.patchOf(base, { ...base, clients_timeout: "soon" })).toEqual({
    clients_timeout: "soon",
  });
});

it("keeps what both sides have changed, mine where both have", () => {
  const mine = { ...base, title: "Mine" };
  const theirs = { ...base, title: "Theirs", clients_timeout: "5" };
  expect(SHAPE.rebased(base, mine, theirs)).toEqual({ ...theirs, title: "Mine" });
  expect(differences(base, mine, theirs).map(({ mine, theirs }) => [mine, theirs])).toEqual([
    ["Mine", "Theirs"],
    ["60", "5"],
  ]);
});

function refused(...faults: Partial<Fault>[]): ApiProblem {
  const whole = faults.map((fault) => ({ pointer: null, title: "no", detail: null, ...fault }));
  return new ApiProblem("refused", "first", "x", 400, "code", null, whole);
}

it("puts a refusal at the input that its pointer leads to", () => {
  const faults = streamFaults(
    refused(
      { pointer: "/inputs/1/url" },
      { pointer: "/streams/4/inputs/0/priority" },
      { pointer: "/title" },
      { pointer: "/segment_count", title: "elsewhere" },
    ),
  );
  expect(faults).toEqual({
    "inputs-1-url": "No.",
    "inputs-0-priority": "No.",
    title: "No.",
    "": "Elsewhere.",
  });
});
