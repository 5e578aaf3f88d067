import { expect, it } from "vitest";
import { folderLink, mayBeFile } from "./place";

it("tells a file by its end", () => {
  expect(["movies/a.mp4", "a.M4V", "b.mov"].every(mayBeFile)).toBe(true);
  expect(["live/cam", "movies/mp4", "a.mp4.ts"].some(mayBeFile)).toBe(false);
});

it("finds a file's folder in the collection of the longest prefix", () => {
  const prefixes = ["live", "movies", "live/recordings"];
  expect(folderLink("movies/a.mp4", prefixes)).toBe("#/files/movies");
  expect(folderLink("movies/2026/may/a b.mp4", prefixes)).toBe("#/files/movies?path=2026%2Fmay");
  expect(folderLink("live/recordings/a.mp4", prefixes)).toBe("#/files/live%2Frecordings");
  expect(folderLink("moviestar/a.mp4", prefixes)).toBeNull();
});
