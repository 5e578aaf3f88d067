import { expect, it } from "vitest";
import { hostnameFault } from "./hostname";

it("takes names and addresses, and sends ports to the API URL", () => {
  for (const typed of ["south", "10.0.0.2", "a_b.example-1.com"])
    expect(hostnameFault(typed, ["north"])).toBeNull();
  for (const typed of ["south:8081", "http://south", "[::1]:80", "::1"])
    expect(hostnameFault(typed, [])).toBe("port");
  for (const typed of ["so uth", "süd", "a".repeat(254), "<b>"])
    expect(hostnameFault(typed, [])).toBe("form");
  expect(hostnameFault("", [])).toBe("missing");
  expect(hostnameFault("south", ["south"])).toBe("known");
});
