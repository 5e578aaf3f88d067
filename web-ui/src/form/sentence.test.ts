import { expect, it } from "vitest";
import { asSentence } from "./sentence";

it.each([
  ["there is no peer `x`", "There is no peer `x`."],
  ["no, not that", "No, not that."],
  ["stale_timeout of 1 ms is too short", "stale_timeout of 1 ms is too short."],
  ["`api_url` holds a password", "`api_url` holds a password."],
  ["/etc/a.conf changed on disk", "/etc/a.conf changed on disk."],
  ["Wanted: a folder.", "Wanted: a folder."],
  ["", ""],
])("makes a sentence of %s", (message, sentence) => expect(asSentence(message)).toBe(sentence));
