import { expect, it } from "vitest";
import { formatHash, matchPath, parseHash } from "./router";

it("reads path and parameters, and takes nonsense for the start page", () => {
  expect(parseHash("#/peers?q=a%20b")).toMatchObject({ path: "/peers" });
  expect(parseHash("#/peers?q=a%20b").params.get("q")).toBe("a b");
  expect(parseHash("").path).toBe("/");
  expect(parseHash("#content").path).toBe("/");
});

it("leaves empty parameters out", () => {
  expect(formatHash("/", new URLSearchParams("sort=cpu&q="))).toBe("#/?sort=cpu");
  expect(formatHash("/", new URLSearchParams("q="))).toBe("#/");
});

it("finds the named parts of a path", () => {
  expect(matchPath("/streams/:name", "/streams/live%2Fcam")).toEqual({ name: "live/cam" });
  expect(matchPath("/streams/:name", "/streams/100%")).toEqual({ name: "100%" });
  expect(matchPath("/", "/")).toEqual({});
  for (const path of ["/streams", "/streams/", "/streams/a/b", "/peers/a"])
    expect(matchPath("/streams/:name", path)).toBeNull();
});
