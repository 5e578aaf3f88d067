// Plays one playlist in the `<video>` until it cannot go on, then says why, once.
//
// A new engine a try: re-using an hls.js object by `loadSource` does not restart playback after
// a fatal error. hls.js comes before the browser's own HLS, which is young in Chromium.

import type Hls from "hls.js";
import type { ErrorData, HlsConfig } from "hls.js";
import type { Cause } from "./retry";

export interface Failure {
  cause: Cause;
  detail: string;
}

/** The lazily loaded player library; null where only the browser's own player can work. */
export type HlsLibrary = typeof Hls | null;

export interface EngineOptions {
  library: HlsLibrary;
  video: HTMLVideoElement;
  url: string;
  /** Where to go on in a recording; null for live. */
  resumeAt: number | null;
  onFailure: (failure: Failure) => void;
}

export interface Engine {
  /** True once a playlist without an end was seen. */
  readonly isLive: boolean;
  /** Stops and leaves the `<video>` to the next engine. */
  destroy(): void;
}

/** This page tries the next entry itself, sooner than the library would give up. */
const ONCE = { maxNumRetry: 0, retryDelayMs: 0, maxRetryDelayMs: 0 };
const TWICE = { maxNumRetry: 1, retryDelayMs: 300, maxRetryDelayMs: 300 };

const playlistPolicy = {
  default: {
    maxTimeToFirstByteMs: 10_000,
    maxLoadTimeMs: 12_000,
    timeoutRetry: ONCE,
    errorRetry: ONCE,
  },
};

const CONFIG: Partial<HlsConfig> = {
  backBufferLength: 30,
  liveDurationInfinity: true,
  manifestLoadPolicy: playlistPolicy,
  playlistLoadPolicy: playlistPolicy,
  fragLoadPolicy: {
    default: {
      maxTimeToFirstByteMs: 8000,
      maxLoadTimeMs: 30_000,
      timeoutRetry: ONCE,
      errorRetry: TWICE,
    },
  },
};

function failureOf(data: ErrorData): Failure {
  const isMedia = data.type === "mediaError" || data.type === "muxError";
  return { cause: isMedia ? "bad_media" : "interrupted", detail: data.details };
}

function startHls(Library: typeof Hls, options: EngineOptions): Engine {
  let isLive = false;
  const hls = new Library({ ...CONFIG, startPosition: options.resumeAt ?? -1 });
  hls.on(Library.Events.LEVEL_LOADED, (_event, { details }) => {
    if (isLive && !details.live) options.onFailure({ cause: "ended", detail: "" });
    isLive ||= details.live;
  });
  hls.on(Library.Events.ERROR, (_event, data) => {
    if (!data.fatal) return;
    hls.stopLoad(); // What is buffered plays on while the next entry is asked.
    options.onFailure(failureOf(data));
  });
  hls.loadSource(options.url);
  hls.attachMedia(options.video);
  return {
    get isLive() {
      return isLive;
    },
    destroy: () => hls.destroy(),
  };
}

function startNative({ video, url, resumeAt, onFailure }: EngineOptions): Engine {
  const fail = (): void => {
    const isMedia = (video.error?.code ?? 0) >= MediaError.MEDIA_ERR_DECODE;
    onFailure({ cause: isMedia ? "bad_media" : "interrupted", detail: video.error?.message ?? "" });
  };
  video.addEventListener("error", fail);
  video.src = url;
  if (resumeAt !== null) video.currentTime = resumeAt;
  return {
    get isLive() {
      return video.duration === Infinity;
    },
    destroy: () => {
      video.removeEventListener("error", fail);
      video.removeAttribute("src");
      video.load();
    },
  };
}

/** Starts to play; `onFailure` may be called more than once, only the first counts. */
export function startEngine(options: EngineOptions): Engine {
  return options.library ? startHls(options.library, options) : startNative(options);
}

/** Loads the player library; throws if it cannot be loaded, or if nothing here plays HLS. */
export async function loadLibrary(video: HTMLVideoElement): Promise<HlsLibrary | "none"> {
  const { default: Library } = await import("hls.js/light");
  if (Library.isSupported()) return Library;
  return video.canPlayType("application/vnd.apple.mpegurl") ? null : "none";
}
