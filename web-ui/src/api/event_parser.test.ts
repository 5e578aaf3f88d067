import { expect, it } from "vitest";
import { EventParser, type ServerEvent } from "./event_parser";

const TEXT = 'retry: 2000\n\n: ping\n\nevent: peers\nid: 7\ndata: {"a":\ndata: 1}\n\ndata:x\n\n';
const EVENTS = [
  { name: "peers", data: '{"a":\n1}' },
  { name: "message", data: "x" },
];

it("reads events, whatever pieces and line ends they come in", () => {
  for (const text of [TEXT, TEXT.replaceAll("\n", "\r\n"), TEXT.replaceAll("\n", "\r") + ": \n"]) {
    for (const size of [1, 2, 7, 1000]) {
      const parser = new EventParser();
      const events: ServerEvent[] = [];
      for (let at = 0; at < text.length; at += size)
        events.push(...parser.push(text.slice(at, at + size)));
      expect(events).toEqual(EVENTS);
    }
  }
});

it("keeps an event back until its empty line, and refuses one without an end", () => {
  const parser = new EventParser();
  expect(parser.push("event: peers\ndata: 1\n")).toEqual([]);
  expect(parser.push("\n")).toEqual([{ name: "peers", data: "1" }]);
  expect(() => parser.push("x".repeat(17 << 20))).toThrow(RangeError);
});

it("takes unknown fields and lines without a colon for nothing", () => {
  const parser = new EventParser();
  expect(parser.push("data\nfoo: bar\n\nevent: lost\n\ndata: a: b\n\n")).toEqual([
    { name: "message", data: "" },
    { name: "message", data: "a: b" },
  ]);
});
