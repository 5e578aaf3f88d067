// The words of the page that shows what the API can do.

import { formatCount } from "../format";

export const strings = {
  title: "API",
  raw: "The document itself",
  base: "Base of the paths:",
  manners: "What holds for all operations",
  lack: "This node has no OpenAPI document: it may be of an older version.",
  hint: "Path, method, word",
  count: (shown: number, all: number) =>
    shown === all
      ? `${formatCount(all)} ${all === 1 ? "operation" : "operations"}`
      : `${formatCount(shown)} of ${formatCount(all)} operations`,
  none: "The node's document names no operation.",
  noMatch: (query: string) => `No operation matches “${query}”.`,
  untagged: "Others",
  deprecated: "deprecated",
  required: "required",
  parameters: "Parameters",
  places: {
    path: "in the path",
    query: "in the query",
    header: "a header",
    cookie: "a cookie",
  } as Record<string, string>,
  body: "Body",
  answers: "Answers",
  anything: "anything",
  otherFields: "(other fields)",
};
