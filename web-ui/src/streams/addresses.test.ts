import { expect, it } from "vitest";
import { addressesOf } from "./addresses";

const urls = (base: string, config: unknown, name = "live/cam"): string[] =>
  addressesOf(name, base, config).map(({ url }) => url);

const listening = (listeners: unknown): unknown => ({ listeners });

it("has all outputs below the page, and the ports that the config tells", () => {
  const config = listening({ rtsp: [{ port: 8554 }], rtmp: [{ port: 1935 }, { port: 1936 }] });
  expect(addressesOf("live/cam", "https://n.example.com/ops/north/", config)).toEqual([
    { label: "Player page", url: "https://n.example.com/ops/north/live/cam/embed.html" },
    { label: "HLS", url: "https://n.example.com/ops/north/live/cam/index.m3u8" },
    { label: "HTTP-TS", url: "https://n.example.com/ops/north/live/cam/mpegts" },
    { label: "HTTP-FLV", url: "https://n.example.com/ops/north/live/cam/live.flv" },
    { label: "RTSP", url: "rtsp://n.example.com:8554/live/cam" },
    { label: "RTMP", url: "rtmp://n.example.com:1935/live/cam" },
  ]);
});

it("leaves out what it does not know, or what only the node's own machine reaches", () => {
  const local = listening({ rtsp: [{ port: 8554, address: "127.0.0.1" }], rtmps: [{ port: 0 }] });
  expect(urls("http://10.0.0.2:8081/", local)).toHaveLength(4);
  expect(urls("http://localhost:8081/", local).at(-1)).toBe("rtsp://localhost:8554/live/cam");
  for (const odd of [null, 7, {}, listening({ rtsp: {}, rtmp: [null, "1935"] })])
    expect(urls("http://10.0.0.2:8081/", odd)).toHaveLength(4);
});

it("keeps what stands in a name, and in an address of IPv6", () => {
  const config = listening({ rtsp: [{ port: 8554, address: "2001:db8::7" }] });
  expect(urls("http://[2001:db8::7]:8081/", config, "a b?/c").slice(-2)).toEqual([
    "http://[2001:db8::7]:8081/a%20b%3F/c/live.flv",
    "rtsp://[2001:db8::7]:8554/a%20b%3F/c",
  ]);
});
