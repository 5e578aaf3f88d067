// The player page: reads what the node wrote into it, runs the player, says in words how it goes.
//
// `<html data-state>` is `loading`, `playing`, `waiting` or `failed`, for tests and for pages that
// embed this one; `data-entry` is the number of the entry node in use.

import { mediaUrls, posterUrl, readOptions, streamName } from "./address";
import { Player, type State } from "./player";
import type { Cause } from "./retry";
import { strings } from "./strings";
import "./embed.css";

/** What the notice over the video says; null hides it. */
interface Notice {
  message: string;
  detail?: string;
  action?: { label: string; run: () => void };
}

const WAITING: Record<Cause, string> = {
  not_live: strings.notLive,
  starting: strings.starting,
  denied: strings.denied,
  unreachable: strings.unreachable,
  interrupted: strings.interrupted,
  ended: strings.ended,
  bad_media: strings.interrupted,
};

function find<T extends HTMLElement>(id: string): T {
  const found = document.getElementById(id);
  if (!found) throw new Error(`the page has no #${id}`);
  return found as T;
}

const meta = (name: string): string =>
  document.querySelector<HTMLMetaElement>(`meta[name="${name}"]`)?.content ?? "";

const video = find<HTMLVideoElement>("video");
const action = find<HTMLButtonElement>("action");

function showNotice(notice: Notice | null): void {
  find("notice").hidden = notice === null;
  find("message").textContent = notice?.message ?? "";
  find("detail").textContent = notice?.detail ?? "";
  action.hidden = !notice?.action;
  action.textContent = notice?.action?.label ?? "";
  action.onclick = notice?.action?.run ?? null;
}

const reload = { label: strings.tryAgain, run: () => location.reload() };
const play = { label: strings.play, run: () => void video.play() };
const unmute = { label: strings.unmute, run: () => (video.muted = false) };

function noticeOf(state: State): Notice | null {
  switch (state.kind) {
    case "loading":
      return { message: strings.connecting };
    case "playing":
      return state.mutedByBrowser ? { message: "", action: unmute } : null;
    case "waiting":
      if (state.cause === "press_play") return { message: strings.pressPlay, action: play };
      return { message: WAITING[state.cause], detail: strings.willRetry };
    case "failed":
      switch (state.cause) {
        case "denied":
          return { message: strings.denied, detail: strings.deniedDetail, action: reload };
        case "no_support":
          return { message: strings.noSupport, detail: strings.noSupportDetail };
        case "no_player":
          return { message: strings.noPlayer, action: reload };
        case "bad_media":
          return {
            message: strings.badMedia,
            detail: strings.badMediaDetail(state.detail),
            action: reload,
          };
      }
  }
}

function show(state: State, entry: number): void {
  const { dataset } = document.documentElement;
  dataset["state"] = state.kind;
  dataset["entry"] = String(entry);
  showNotice(noticeOf(state));
}

function start(): void {
  const facts = {
    href: location.href,
    stream: meta("watershed-stream"),
    entries: meta("watershed-entries"),
  };
  const options = readOptions(location.search);
  const urls = mediaUrls(facts, options.transport);
  const name = streamName(facts);
  if (urls.length === 0) {
    document.documentElement.dataset["state"] = "failed";
    showNotice({ message: strings.noStream });
    return;
  }
  document.title = strings.title(name);
  find("title").textContent = name;

  video.muted = options.mute;
  video.poster = posterUrl(facts) ?? "";
  const player = new Player(video, options.transport, urls, show);
  if (options.autoplay) {
    void player.run();
    return;
  }
  // Nothing is fetched for a viewer who has not asked for it.
  const begin = { label: strings.play, run: () => void player.run() };
  document.documentElement.dataset["state"] = "waiting";
  showNotice({ message: strings.pressPlay, action: begin });
}

start();
