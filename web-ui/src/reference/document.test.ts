import { expect, it } from "vitest";
import { filtered, readReference } from "./document";
import { exampleOf, hasParts, limitsOf, partsOf, typeName } from "./schema";

const DOCUMENT = {
  openapi: "3.1.0",
  info: { title: "Watershed", version: "0.1.0" },
  servers: [{ url: "/streamer/api/v3/" }],
  tags: [{ name: "streams", description: "What is played" }, { name: "unused" }],
  paths: {
    "/streams/{name}": {
      parameters: [{ $ref: "#/components/parameters/name" }, { name: "q", in: "query" }],
      get: {
        tags: ["streams"],
        summary: "One stream",
        parameters: [{ name: "q", in: "query", required: true, schema: { type: "string" } }],
        responses: { 200: { $ref: "#/components/responses/stream" }, 404: { description: "none" } },
      },
      head: {},
      put: {
        servers: [{ url: "/older" }],
        requestBody: { content: { "application/json": { schema: { type: "object" } } } },
      },
      "x-other": {},
    },
    "/broken": "no object",
  },
  components: {
    parameters: { name: { name: "name", in: "path", required: true, schema: { type: "string" } } },
    responses: {
      stream: {
        description: "it",
        content: { "application/json": { schema: { $ref: "#/x~1y" } } },
      },
    },
  },
  "x/y": { type: "object", properties: { next: { $ref: "#/x~1y" } }, required: ["next"] },
};

it("reads operations by tag, with what their path gives them", () => {
  const { groups, count, title } = readReference(DOCUMENT);
  expect([count, title]).toEqual([2, "Watershed"]);
  expect(groups.map(({ tag }) => tag)).toEqual(["streams", ""]);
  const [get] = groups[0]?.operations ?? [];
  expect(get?.server).toBe("/streamer/api/v3");
  expect(groups[1]?.operations[0]?.path).toBe("/older/streams/{name}");
  expect(get?.parameters.map(({ name, isRequired }) => [name, isRequired])).toEqual([
    ["name", true],
    ["q", true],
  ]);
  expect(get?.answers.map(({ status, description }) => [status, description])).toEqual([
    ["200", "it"],
    ["404", "none"],
  ]);
  expect(groups[1]?.operations[0]?.body?.media[0]?.type).toBe("application/json");
});

it("makes nothing of what is no document", () => {
  for (const value of [null, "x", 7, [], { paths: { "/a": { get: null, put: 3 } } }])
    expect(readReference(value).count).toBe(0);
});

it("follows references, and none for ever", () => {
  const { resolve } = readReference({
    a: { $ref: "#/b" },
    b: { $ref: "#/a" },
    c: { $ref: "#/d%7E0e" },
    "d~e": { type: "string" },
  });
  expect(resolve({ $ref: "#/c" })).toEqual({ type: "string" });
  for (const reference of ["#/a", "#/none", "#/__proto__", "https://elsewhere/#/a", "x"])
    expect(resolve({ $ref: reference })).toEqual({});
});

it("filters by all words of method, path, summary and tag", () => {
  const { groups } = readReference(DOCUMENT);
  const left = (query: string): number =>
    filtered(groups, query).reduce((sum, { operations }) => sum + operations.length, 0);
  expect(["", "get", "PUT streams", "streams one", "nothing"].map(left)).toEqual([2, 1, 1, 1, 0]);
});

it("names types in few words", () => {
  for (const [schema, name] of [
    [{ $ref: "#/components/schemas/Peer" }, "Peer"],
    [{ type: ["string", "null"] }, "string | null"],
    [{ type: "integer", format: "int64" }, "integer (int64)"],
    [{ type: "array", items: { $ref: "#/a/Stream" } }, "array of Stream"],
    [{ type: "array" }, "array of anything"],
    [{ enum: ["a", 1, null] }, '"a" | 1 | null'],
    [{ oneOf: [{ type: "null" }, { $ref: "#/a/Peer" }] }, "null | Peer"],
    [{ allOf: [{ $ref: "#/a/A" }, { properties: {} }] }, "A & object"],
    [{}, ""],
    [true, ""],
  ] as const)
    expect(typeName(schema)).toBe(name);
  expect(limitsOf({ minimum: 1, maximum: 9, default: "a" })).toBe('≥ 1, ≤ 9, default "a"');
});

it("takes a schema apart one level at a time", () => {
  const { resolve } = readReference(DOCUMENT);
  const self = { $ref: "#/x~1y" };
  expect(partsOf(self, resolve, "…")).toEqual([{ name: "next", isRequired: true, schema: self }]);
  for (const wrapped of [{ type: "array", items: self }, { oneOf: [{ type: "null" }, self] }])
    expect(partsOf(wrapped, resolve, "…").map(({ name }) => name)).toEqual(["next"]);
  const { resolve: circle } = readReference({ a: { type: "array", items: { $ref: "#/a" } } });
  expect(partsOf({ $ref: "#/a" }, circle, "…")).toHaveLength(1);
  const map = { type: "object", additionalProperties: { type: "string" } };
  expect(partsOf(map, resolve, "others").map(({ name }) => name)).toEqual(["others"]);
  expect(hasParts({ type: "string" }, resolve)).toBe(false);
  expect(hasParts({ type: "object", additionalProperties: false }, resolve)).toBe(false);
});

it("makes an example of what is demanded, of no schema without end", () => {
  const { resolve } = readReference(DOCUMENT);
  const schema = {
    type: "object",
    required: ["url", "port", "kind", "missing"],
    properties: {
      url: { type: "string" },
      port: { type: "integer", default: 80 },
      kind: { enum: ["a", "b"] },
      other: { type: "string" },
    },
  };
  expect(exampleOf(schema, resolve)).toEqual({ url: "", port: 80, kind: "a" });
  expect(JSON.stringify(exampleOf({ $ref: "#/x~1y" }, resolve)).length).toBeLessThan(100);
  const names = Array.from({ length: 500 }, (_, index) => `f${index}`);
  const wide: Record<string, unknown> = { type: "object", required: names };
  wide["properties"] = Object.fromEntries(names.map((name) => [name, wide]));
  expect(JSON.stringify(exampleOf(wide, resolve)).length).toBeLessThan(10_000);
});
