// Plays one address in the `<video>` until it cannot go on, then says why, once.
//
// A new engine a try: re-using a player library's object does not restart playback after a fatal
// error. Libraries are large and come with their engine, when it is known that one is wanted.

import type { Transport } from "./address";
import type { Cause } from "./retry";

export interface Failure {
  cause: Cause;
  detail: string;
}

export interface EngineOptions {
  video: HTMLVideoElement;
  url: string;
  /** Where to go on in a recording; null for live. */
  resumeAt: number | null;
  /** May be called more than once; only the first call counts. */
  onFailure: (failure: Failure) => void;
}

export interface Engine {
  /** True once it is known that the stream has no end. */
  readonly isLive: boolean;
  /** Stops and leaves the `<video>` to the next engine. */
  destroy(): void;
}

/** Starts to play. */
export type StartEngine = (options: EngineOptions) => Engine;

const startNative: StartEngine = ({ video, url, resumeAt, onFailure }) => {
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
};

/** Loads what plays this; null where nothing here does. Throws if it cannot be loaded. */
export async function loadEngine(
  transport: Transport,
  video: HTMLVideoElement,
): Promise<StartEngine | null> {
  if (transport === "mpegts") {
    const { isSupported, startMpegts } = await import("./mpegts_engine");
    return isSupported() ? startMpegts : null;
  }
  // hls.js comes before the browser's own HLS, which is young in Chromium.
  const { isSupported, startHls } = await import("./hls_engine");
  if (isSupported()) return startHls;
  return video.canPlayType("application/vnd.apple.mpegurl") ? startNative : null;
}
