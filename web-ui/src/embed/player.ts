// Keeps a stream playing through any of several entry nodes.
//
// ```text
//   ask entry i for the stream ──── no ──▶ wait 0.3·2^n s, i+1 ─┐
//        ▲ yes: new engine, play until it fails ── failed ──────┘
// ```
// While the next entry is asked, the old engine plays out its buffer; it is replaced only when an
// entry has answered. The page shows `State`; words are made elsewhere.

import type { Transport } from "./address";
import { loadEngine, type Engine, type Failure, type StartEngine } from "./engine";
import { backoffMs, causeOfStatus, type Cause } from "./retry";

export type State =
  | { kind: "loading" }
  | { kind: "playing"; mutedByBrowser: boolean }
  | { kind: "waiting"; cause: Cause | "press_play" }
  | { kind: "failed"; cause: "denied" | "no_support" | "no_player" | "bad_media"; detail: string };

/** A node answers a playlist within 8 s or with 503; longer silence is a fault. */
const ASK_TIMEOUT_MS = 10_000;
/** Playback that stands still this long without an error is a failure, too. */
const STALL_MS = 10_000;
/** After this much playback the entries count as good again. */
const PROVEN_MS = 3000;
const BAD_MEDIA_MAX = 3;

const sleep = (ms: number): Promise<void> => new Promise((done) => setTimeout(done, ms));

export class Player {
  private engine: Engine | null = null;
  private wantsPlay = true;
  private mutedByBrowser = false;
  private wasLive = true;

  constructor(
    private readonly video: HTMLVideoElement,
    private readonly transport: Transport,
    private readonly urls: readonly string[],
    private readonly show: (state: State, entry: number) => void,
  ) {
    video.addEventListener("playing", () => this.show(this.playing(), this.entry));
    video.addEventListener("volumechange", () => {
      if (!video.muted && this.mutedByBrowser) {
        this.mutedByBrowser = false;
        if (!video.paused) this.show(this.playing(), this.entry);
      }
    });
  }

  private entry = 0;

  private playing(): State {
    return { kind: "playing", mutedByBrowser: this.mutedByBrowser };
  }

  /** Plays until there is no more hope (`failed`) or a recording is over. */
  async run(): Promise<void> {
    this.show({ kind: "loading" }, this.entry);
    const first = this.ask(); // The first answer and the library travel at the same time.
    let start: StartEngine | null;
    try {
      start = await loadEngine(this.transport, this.video);
    } catch (error) {
      return this.fail("no_player", String(error));
    }
    if (start === null) return this.fail("no_support", "");
    await this.follow(start, first);
  }

  private async follow(start: StartEngine, first: Promise<Cause | null>): Promise<void> {
    let asked = first;
    let failures = 0;
    let denied = 0;
    let badMedia = 0;
    for (;;) {
      let cause = await asked;
      denied = cause === "denied" ? denied + 1 : 0;
      if (denied >= this.urls.length) return this.fail("denied", "");
      if (cause === null) {
        const failure = await this.play(start);
        if (failure === null) return;
        if (failure.playedMs > PROVEN_MS) failures = badMedia = 0;
        badMedia = failure.cause === "bad_media" ? badMedia + 1 : 0;
        if (badMedia >= BAD_MEDIA_MAX) return this.fail("bad_media", failure.detail);
        cause = failure.cause;
      }
      this.waitFor(cause);
      this.entry = (this.entry + 1) % this.urls.length;
      await sleep(backoffMs(failures, Math.random()));
      failures += 1;
      asked = this.ask();
    }
  }

  /** Asks the current entry for the stream; null means that it is there. */
  private async ask(): Promise<Cause | null> {
    try {
      const response = await fetch(this.urls[this.entry] ?? "", {
        // An endless answer is not begun just to see that it is there.
        method: this.transport === "hls" ? "GET" : "HEAD",
        cache: "no-store",
        signal: AbortSignal.timeout(ASK_TIMEOUT_MS),
      });
      await response.text();
      return response.ok ? null : causeOfStatus(response.status);
    } catch {
      return causeOfStatus(null);
    }
  }

  /** Plays from the current entry; resolves when that fails, or with null at a recording's end. */
  private async play(start: StartEngine): Promise<(Failure & { playedMs: number }) | null> {
    const { video } = this;
    const resumeAt = this.wasLive ? null : video.currentTime;
    if (this.engine) this.wantsPlay = !video.paused || video.ended;
    this.engine?.destroy();

    const startedAt = performance.now();
    let stopWatching = (): void => undefined;
    const failure = await new Promise<Failure | null>((resolve) => {
      const url = this.urls[this.entry] ?? "";
      this.engine = start({ video, url, resumeAt, onFailure: resolve });
      stopWatching = this.watch(resolve);
      if (this.wantsPlay) void this.startPlayback();
    });
    stopWatching();
    this.wasLive = this.engine?.isLive ?? true;
    return failure && { ...failure, playedMs: performance.now() - startedAt };
  }

  /** Reports a stall without error, and the end of a recording. */
  private watch(resolve: (failure: Failure | null) => void): () => void {
    const { video } = this;
    let lastTime = video.currentTime;
    let movedAt = performance.now();
    const timer = setInterval(() => {
      const now = performance.now();
      const mayRest = (video.paused && !video.ended) || document.hidden;
      if (video.currentTime !== lastTime || mayRest) movedAt = now;
      lastTime = video.currentTime;
      if (now - movedAt > STALL_MS) resolve({ cause: "interrupted", detail: "stalled" });
    }, 1000);
    const end = (): void => resolve(this.engine?.isLive ? { cause: "ended", detail: "" } : null);
    video.addEventListener("ended", end);
    return () => {
      clearInterval(timer);
      video.removeEventListener("ended", end);
    };
  }

  /** Starts with sound; where the browser forbids that, without; else waits for a click. */
  private async startPlayback(): Promise<void> {
    try {
      await this.video.play();
    } catch (error) {
      if (!(error instanceof DOMException) || error.name !== "NotAllowedError") return;
      if (this.video.muted) {
        this.show({ kind: "waiting", cause: "press_play" }, this.entry);
        return;
      }
      this.video.muted = true;
      this.mutedByBrowser = true;
      await this.startPlayback();
    }
  }

  /** Says that nothing plays, unless the buffer still does. */
  private waitFor(cause: Cause): void {
    const { video } = this;
    const show = (): void => this.show({ kind: "waiting", cause }, this.entry);
    const isPlayingOut = this.engine !== null && !video.paused && video.readyState > 2;
    if (!isPlayingOut) return show();
    video.addEventListener("waiting", show, { once: true });
    video.addEventListener("emptied", () => video.removeEventListener("waiting", show), {
      once: true,
    });
  }

  private fail(cause: "denied" | "no_support" | "no_player" | "bad_media", detail: string): void {
    this.engine?.destroy();
    this.engine = null;
    this.show({ kind: "failed", cause, detail }, this.entry);
  }
}
