// Plays HLS by hls.js. A chunk of its own, with the library.

import Hls from "hls.js/light";
import type { ErrorData, HlsConfig } from "hls.js";
import type { Failure, StartEngine } from "./engine";

export const isSupported = (): boolean => Hls.isSupported();

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

export const startHls: StartEngine = (options) => {
  let isLive = false;
  const hls = new Hls({ ...CONFIG, startPosition: options.resumeAt ?? -1 });
  hls.on(Hls.Events.LEVEL_LOADED, (_event, { details }) => {
    if (isLive && !details.live) options.onFailure({ cause: "ended", detail: "" });
    isLive ||= details.live;
  });
  hls.on(Hls.Events.ERROR, (_event, data) => {
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
};
