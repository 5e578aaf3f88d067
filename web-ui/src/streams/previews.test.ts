import { expect, it } from "vitest";
import { hasPictures, mayAsk, picturePath } from "./previews";

it("lets few ask a node that has shown none, and all once it has", () => {
  const asked = (nowMs: number): boolean[] => [1, 2, 3, 4].map(() => mayAsk(nowMs));
  expect(asked(1000)).toEqual([true, true, true, false]);
  expect(mayAsk(30_999)).toBe(false);
  expect(asked(31_000)).toEqual([true, true, true, false]);
  hasPictures.value = true;
  expect(asked(31_000)).toEqual([true, true, true, true]);
});

it("keeps slashes of names, and nothing else that means something", () => {
  expect(picturePath("live/a?b#c", 2500)).toBe("./live/a%3Fb%23c/preview.jpg?at=2");
});
