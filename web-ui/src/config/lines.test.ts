import { expect, it } from "vitest";
import { drawnAt, includesOf, lineCount, lineMover, rangeOf } from "./lines";

it("counts lines as an editor does", () => {
  expect(lineCount("")).toBe(1);
  expect(lineCount("a")).toBe(1);
  expect(lineCount("a\nb\n")).toBe(3);
});

it("finds the word at a line and column, which counts characters", () => {
  const text = 'title "🎬 x";  pee south;\nhttp 8081;';
  expect(text.slice(...rangeOf(text, 1, 15))).toBe("pee");
  expect(text.slice(...rangeOf(text, 2, 1))).toBe("http");
  expect(rangeOf(text, 2, 99)).toEqual([text.length, text.length]);
  expect(rangeOf(text, 9, 1)).toEqual([text.length, text.length]);
});

it("tells where a word is drawn", () => {
  expect(drawnAt("\tpee south;", 2)).toEqual({ left: 4, width: 3, end: 14 });
  expect(drawnAt("ab\tx;", 4)).toEqual({ left: 4, width: 1, end: 6 });
  expect(drawnAt("", 1)).toEqual({ left: 0, width: 1, end: 1 });
});

it("follows a line while others change", () => {
  const before = ["a", "b", "c", "d"];
  const moved = (line: number, after: string): number | null =>
    lineMover(before, after.split(""))(line);
  expect(moved(2, "abcde")).toBe(2);
  expect(moved(3, "xybcd")).toBe(4);
  expect(moved(3, "acd")).toBe(2);
  expect(moved(2, "aBcd")).toBeNull();
  expect(moved(4, "abcd")).toBe(4);
});

it("names what is included", () => {
  expect(includesOf("http 8081;\n# include no.conf;\n")).toEqual([]);
  expect(includesOf("include conf.d/*.conf; # x\nhttp 8081; include\n  b.conf;")).toEqual([
    "conf.d/*.conf",
    "b.conf",
  ]);
  expect(includesOf('title "include x";')).toEqual([]);
});
