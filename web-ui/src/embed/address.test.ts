import { describe, expect, it } from "vitest";
import { forwardedQuery, mediaUrls, posterUrl, readOptions, streamName } from "./address";
import { backoffMs, causeOfStatus } from "./retry";

const facts = (href: string, entries = "", stream = "") => ({ href, entries, stream });

describe("media URLs", () => {
  it("are of this origin alone without a list, or with one that is none", () => {
    for (const entries of ["", "[]", "{", "null", '[1,"javascript:x"]']) {
      expect(mediaUrls(facts("http://a:1/live/cam/embed.html", entries))).toEqual([
        "http://a:1/live/cam/index.m3u8",
      ]);
    }
  });

  it("put this origin first where the list lacks it, and keep the list's order where not", () => {
    const href = "http://a/cam/embed.html";
    expect(mediaUrls(facts(href, '["https://b/x/"]'))).toEqual([
      "http://a/cam/index.m3u8",
      "https://b/x/cam/index.m3u8",
    ]);
    expect(mediaUrls(facts(href, '["http://b","http://a/","http://b"]'))).toEqual([
      "http://b/cam/index.m3u8",
      "http://a/cam/index.m3u8",
    ]);
  });

  it("keep the sub-path that the page is served under", () => {
    expect(mediaUrls(facts("http://a/tv/live/cam/embed.html", "", "live/cam"))).toEqual([
      "http://a/tv/live/cam/index.m3u8",
    ]);
  });

  it("pass the token on byte for byte, and nothing of this page's own", () => {
    expect(forwardedQuery("?autoplay=0&token=a%2Fb+c==&mute=1&redirect=false&_via=12ab.99&x")).toBe(
      "?token=a%2Fb+c==&x",
    );
    expect(forwardedQuery("?_via=1")).toBe("");
  });

  it("are of the endless answer where that is asked for", () => {
    expect(mediaUrls(facts("http://a/cam/embed.html?player=mpegts&t=1"), "mpegts")).toEqual([
      "http://a/cam/mpegts?t=1",
    ]);
  });

  it("escape a name that no node would accept", () => {
    expect(mediaUrls(facts("http://a/x", "", "a b?/#"))).toEqual([
      "http://a/a%20b%3F/%23/index.m3u8",
    ]);
    expect(streamName(facts("http://a/elsewhere"))).toBe("");
  });
});

describe("the poster", () => {
  const poster = (query: string) => posterUrl(facts(`http://a:1/tv/live/cam/embed.html${query}`));

  it("is the stream's last keyframe, with the token, unless another is named", () => {
    const page = facts("http://a:1/tv/live/cam/embed.html?token=x", "", "live/cam");
    expect(posterUrl(page)).toBe("http://a:1/tv/live/cam/preview.jpg?token=x");
    expect(poster("?poster=still.png")).toBe("http://a:1/tv/live/cam/still.png");
    expect(poster("?poster=/pictures/cam.jpg")).toBe("http://a:1/pictures/cam.jpg");
  });

  it("is never of another origin, nor of no origin", () => {
    for (const asked of [
      "https://a:1/x",
      "//b/x",
      "http://b",
      "data:image/png,x",
      "http://a:x",
      "\\\\b/x",
    ]) {
      expect(poster(`?poster=${encodeURIComponent(asked)}`)).toContain(
        "http://a:1/tv/live/cam/preview.jpg",
      );
    }
  });

  it("is left out where switched off", () => {
    for (const off of ["", "off", "None", "0"]) expect(poster(`?poster=${off}`)).toBeNull();
  });
});

it("plays at once with sound unless told otherwise", () => {
  expect(readOptions("")).toEqual({ autoplay: true, mute: false, transport: "hls" });
  expect(readOptions("?autoplay=false&mute&player=mpegts")).toEqual({
    autoplay: false,
    mute: true,
    transport: "mpegts",
  });
  expect(readOptions("?player=flv").transport).toBe("hls");
});

it("waits 0.3 · 2^n seconds, a quarter more or less, and never above the cap", () => {
  expect(backoffMs(0, 0.5)).toBe(300);
  expect(backoffMs(2, 0.5)).toBe(1200);
  expect(backoffMs(0, 0)).toBe(225);
  expect(backoffMs(1000, 1)).toBe(6250);
});

it.each([
  [null, "unreachable"],
  [401, "denied"],
  [403, "denied"],
  [404, "not_live"],
  [503, "starting"],
  [500, "unreachable"],
])("reads status %s as %s", (status, cause) => expect(causeOfStatus(status)).toBe(cause));
