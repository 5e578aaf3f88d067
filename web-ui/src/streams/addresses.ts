// Where a stream is played at this node, which leads players on to where it runs. Pure.

import { fields, number, text } from "../api/model";
import { strings } from "../strings";
import { streamStrings } from "./strings";

/** What a stream or a file gives, from where this page is. */
export function outputPath(name: string, output: string): string {
  return `./${name.split("/").map(encodeURIComponent).join("/")}/${output}`;
}

export interface Address {
  label: string;
  url: string;
}

const { hls = "", tshttp = "", flv = "" } = strings.protocols;

const OUTPUTS: readonly [label: string, output: string][] = [
  [streamStrings.playerPage, "embed.html"],
  [hls, "index.m3u8"],
  [tshttp, "mpegts"],
  [flv, "live.flv"],
];

/** Listeners that the page's own address says nothing of, with those over TLS. */
const SCHEMES = ["rtsp", "rtsps", "rtmp", "rtmps"];

const isLoopback = (host: string): boolean => /^(localhost$|127\.|\[?::1\]?$)/.test(host);

/** The first port of each scheme that is known, and open to who has the page from `host`. */
function listenersOf(config: unknown, host: string): [scheme: string, port: number][] {
  const listeners = fields(fields(config)["listeners"]);
  return SCHEMES.flatMap((scheme) => {
    const all: unknown[] = Array.isArray(listeners[scheme]) ? listeners[scheme] : [];
    for (const listener of all.map(fields)) {
      const port = number(listener["port"]);
      const isOpen = isLoopback(host) || !isLoopback(text(listener["address"]) ?? "");
      // Port 0 is a free one, which the config does not tell.
      if (port && isOpen) return [[scheme, port]];
    }
    return [];
  });
}

/** `base` is that of the page, `config` what the node tells of its settings, if it does. */
export function addressesOf(name: string, base: string, config: unknown): Address[] {
  const { hostname } = new URL(base);
  const path = outputPath(name, "").slice(2, -1);
  return [
    ...OUTPUTS.map(([label, output]) => ({
      label,
      url: new URL(outputPath(name, output), base).href,
    })),
    ...listenersOf(config, hostname).map(([scheme, port]) => ({
      label: scheme.toUpperCase(),
      url: `${scheme}://${hostname}:${port}/${path}`,
    })),
  ];
}
