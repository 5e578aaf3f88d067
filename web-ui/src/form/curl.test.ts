import { execFileSync } from "node:child_process";
import { expect, it } from "vitest";
import { putByCurl } from "./curl";

/** The words that a shell makes of a command. */
function words(command: string): string[] {
  const printed = execFileSync("sh", ["-c", command.replace("curl", "printf '%s\\n'")]);
  return printed.toString().trimEnd().split("\n");
}

it("tells no secret, in a field or in a URL", () => {
  const urls = [
    [
      "rtsp://admin:can@ary@10.0.0.9/ch1?Token=canary&x=1",
      "rtsp://admin:***@10.0.0.9/ch1?Token=***&x=1",
    ],
    ["rtsp://admin@10.0.0.9:554/a:b@c?keys=1", "rtsp://admin@10.0.0.9:554/a:b@c?keys=1"],
  ];
  const inputs = (at: number): unknown => urls.map((pair) => ({ url: pair[at] }));
  const body = { cluster_key: "canary", password: "canary", inputs: inputs(0) };
  const command = putByCurl("http://n/x", body);
  const shown = { cluster_key: "***", password: "***", inputs: inputs(1) };
  expect(JSON.parse(words(command)[5] ?? "")).toEqual(shown);
  const dropped = { cluster_key: null, password: "" };
  expect(JSON.parse(words(putByCurl("http://n/x", dropped))[5] ?? "")).toEqual(dropped);
});

it("asks for a new thing to be new", () => {
  expect(words(putByCurl("http://n/x", {}, true)).slice(4, 6)).toEqual(["-H", "If-None-Match: *"]);
});

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
