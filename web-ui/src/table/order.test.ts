import { expect, it } from "vitest";
import { readOrder } from "./order";

const read = (text: string) =>
  readOrder(new URLSearchParams(text), { name: "asc", cpu: "desc" }, "name");

it("is the initial order where the address makes no sense", () => {
  for (const text of ["", "sort=nonsense&dir=up", "sort=toString"]) {
    expect(read(text)).toEqual({ key: "name", direction: "asc" });
  }
});

it("goes as a first click on the column would, unless the address says otherwise", () => {
  expect(read("sort=cpu")).toEqual({ key: "cpu", direction: "desc" });
  expect(read("sort=name&dir=desc")).toEqual({ key: "name", direction: "desc" });
});
