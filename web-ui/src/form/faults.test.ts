import { expect, it } from "vitest";
import { ApiProblem, type Fault } from "../api/http";
import { faultsOf } from "./faults";

const FIELDS = ["api_url", "fetch_timeout", "stale_timeout"];

function refused(...faults: Partial<Fault>[]): ApiProblem {
  const whole = faults.map((fault) => ({ pointer: null, title: "", detail: null, ...fault }));
  return new ApiProblem("refused", "first title", "x", 400, "code", null, whole);
}

it("puts a fault at the field that its pointer leads to", () => {
  const problem = refused(
    { pointer: "/api_url", title: "expected a URL" },
    { pointer: "/peers/3/stale_timeout", title: "too small" },
    { pointer: "/other", title: "elsewhere" },
  );
  expect(faultsOf(problem, FIELDS)).toEqual({
    api_url: "Expected a URL.",
    stale_timeout: "Too small.",
    "": "Elsewhere.",
  });
});

it("puts a refused config at the field that it names first, with what would be right", () => {
  const title = "stale_timeout of 1 ms is not above twice the fetch_timeout of 10 ms";
  expect(faultsOf(refused({ title, detail: "21 or more" }), FIELDS)).toEqual({
    stale_timeout: `${title}; 21 or more.`,
  });
  expect(faultsOf(refused({ title: "peer `a` without a cluster key" }), FIELDS)).toEqual({
    "": "Peer `a` without a cluster key.",
  });
});

it("tells the problem itself where the answer names no fault", () => {
  expect(faultsOf(refused(), FIELDS)).toEqual({ "": "First title." });
});
