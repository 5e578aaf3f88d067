// Plays a live MPEG-TS over one endless answer by mpegts.js: a second or two behind, where HLS is
// several. A chunk of its own, with the library.

import mpegts from "mpegts.js";
import type { StartEngine } from "./engine";

/** How far behind the newest picture it may fall before it skips, and where it skips to. */
const BEHIND_MAX_S = 3;
const BEHIND_TARGET_S = 1;

mpegts.LoggingControl.enableAll = false;

export const isSupported = (): boolean => mpegts.getFeatureList().mseLivePlayback;

export const startMpegts: StartEngine = ({ video, url, onFailure }) => {
  const player = mpegts.createPlayer(
    { type: "mpegts", isLive: true, url },
    {
      // One stream is little work, and a worker one more thing that a page's policy may refuse.
      enableWorker: false,
      enableStashBuffer: false,
      liveBufferLatencyChasing: true,
      liveBufferLatencyMaxLatency: BEHIND_MAX_S,
      liveBufferLatencyMinRemain: BEHIND_TARGET_S,
      autoCleanupSourceBuffer: true,
      lazyLoad: false,
    },
  );
  player.on(mpegts.Events.ERROR, (type: string, detail: string) => {
    const isMedia = type === mpegts.ErrorTypes.MEDIA_ERROR;
    onFailure({ cause: isMedia ? "bad_media" : "interrupted", detail });
  });
  player.on(mpegts.Events.LOADING_COMPLETE, () => onFailure({ cause: "ended", detail: "" }));
  player.attachMediaElement(video);
  player.load();
  return { isLive: true, destroy: () => player.destroy() };
};
