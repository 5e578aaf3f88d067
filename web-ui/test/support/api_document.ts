// An OpenAPI document as a node tells it: some operations, references, and schemas in circles.

import { cluster } from "./clusters";
import type { Script } from "./mock_node";

type Fields = Record<string, unknown>;

const ref = (name: string): Fields => ({ $ref: `#/components/schemas/${name}` });
const json = (schema: Fields): Fields => ({ "application/json": { schema } });
const refused = { $ref: "#/components/responses/Refused" };

const NAME = {
  name: "name",
  in: "path",
  required: true,
  description: "A `/` in it is written `%2F`.",
  schema: { type: "string", maxLength: 255 },
};

export const DOCUMENT = {
  openapi: "3.1.0",
  info: {
    title: "Watershed",
    version: "0.1.0",
    description: "**Lists** come in pages; `limit` says how long.\n\n**Errors** name their cause.",
  },
  servers: [{ url: "/streamer/api/v3" }],
  tags: [
    { name: "streams", description: "What is captured and played, in the whole cluster." },
    { name: "config", description: "The configuration of this node." },
  ],
  paths: {
    "/streams": {
      get: {
        tags: ["streams"],
        summary: "Lists the cluster's streams",
        parameters: [
          {
            name: "limit",
            in: "query",
            description: "Items a page.",
            schema: { type: "integer", minimum: 1, maximum: 1000, default: 100 },
          },
          { name: "sort", in: "query", schema: { type: "string" } },
        ],
        responses: {
          200: { description: "A page of streams", content: json(ref("StreamPage")) },
          400: refused,
        },
      },
    },
    "/streams/{name}": {
      parameters: [NAME],
      get: {
        tags: ["streams"],
        summary: "Shows a stream",
        responses: {
          200: {
            description: "The stream",
            headers: { ETag: { description: "Of its settings", schema: { type: "string" } } },
            content: json(ref("Stream")),
          },
          404: refused,
        },
      },
      put: {
        tags: ["streams"],
        summary: "Creates or changes a stream",
        description: "Fields that are not named stay; null removes one.",
        requestBody: { required: true, content: json(ref("Stream")) },
        responses: {
          200: { description: "The stream", content: json(ref("Stream")) },
          412: refused,
        },
      },
      delete: {
        tags: ["streams"],
        summary: "Removes a stream",
        responses: { 204: { description: "Removed" }, 409: refused },
      },
    },
    "/config": {
      put: {
        tags: ["config"],
        summary: "Replaces the text",
        requestBody: { content: { "text/plain": { schema: { type: "string" } } } },
        responses: { 200: { description: "The text in force" }, 400: refused },
      },
    },
    "/reload": {
      servers: [{ url: "/older/" }],
      post: { summary: "Reads the files anew", deprecated: true, responses: {} },
    },
  },
  components: {
    responses: { Refused: { description: "Refused, and why", content: json(ref("Refusal")) } },
    schemas: {
      Stream: {
        type: "object",
        required: ["name", "inputs"],
        properties: {
          name: { type: "string", description: "Its name in the whole cluster." },
          title: { type: ["string", "null"] },
          inputs: { type: "array", items: ref("Input") },
          state: { enum: ["running", "waiting", "error"] },
          fallback: { oneOf: [{ type: "null" }, ref("Stream")] },
          stats: { type: "object", additionalProperties: { type: "number" } },
        },
      },
      Input: {
        type: "object",
        required: ["url"],
        properties: {
          url: { type: "string", format: "uri" },
          priority: { type: "integer", minimum: 1, default: 1 },
          agents: {
            type: "array",
            items: { type: "string" },
            default: ["Lavf", "GStreamer", "LIVE555", "VLC", "gortsplib", "ZLMediaKit", "curl"],
          },
        },
      },
      StreamPage: {
        type: "object",
        required: ["streams"],
        properties: {
          streams: { type: "array", items: ref("Stream") },
          next: { type: ["string", "null"] },
        },
      },
      Refusal: {
        type: "object",
        properties: { error: { type: "string" }, errors: { type: "array", items: ref("Cause") } },
      },
      Cause: { type: "object", properties: { title: { type: "string" }, causes: ref("Refusal") } },
      Loop: { $ref: "#/components/schemas/Loop" },
    },
  },
};

/** So many operations more, on schemas that refer to each other. */
export function large(count: number): Fields {
  const paths = Array.from({ length: count }, (_, index) => [
    `/things/${index}`,
    {
      get: {
        tags: [`group ${index % 20}`],
        summary: `Shows thing ${index}`,
        responses: { 200: { description: "It", content: json(ref(`Thing${index}`)) } },
      },
    },
  ]);
  const schemas = Array.from({ length: count }, (_, index) => {
    const next = ref(`Thing${(index + 1) % count}`);
    return [`Thing${index}`, { type: "object", required: ["next"], properties: { next } }];
  });
  return {
    ...DOCUMENT,
    paths: { ...DOCUMENT.paths, ...Object.fromEntries(paths) },
    components: {
      ...DOCUMENT.components,
      schemas: { ...DOCUMENT.components.schemas, ...Object.fromEntries(schemas) },
    },
  };
}

export const documented =
  (document: unknown): Script =>
  (path, request, body) => {
    if (path !== "openapi.json") return cluster([])(path, request, body);
    return { body: document };
  };
