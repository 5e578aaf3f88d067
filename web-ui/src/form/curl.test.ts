import { execFileSync } from "node:child_process";
import { expect, it } from "vitest";
import { putByCurl } from "./curl";

/** The words that a shell makes of a command. */
function words(command: string): string[] {
  const printed = execFileSync("sh", ["-c", command.replace("curl", "printf '%s\\n'")]);
  return printed.toString().trimEnd().split("\n");
}

it("gives a command whose words survive the shell", () => {
  const url = "http://[::1]:8081/streamer/api/v3/cluster/peers/o'brien";
  const body = { public_payload_url: "http://a/$(id)'\"`x`\\" };
  expect(words(putByCurl(url, body))).toEqual([
    "-X",
    "PUT",
    "-u",
    "USER",
    "-d",
    JSON.stringify(body),
    url,
  ]);
});
