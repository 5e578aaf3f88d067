// Every word of the player page, in one place. Apart from the console's, so that neither page
// loads the other's.

export const strings = {
  title: (stream: string) => `${stream} · Watershed`,
  connecting: "Connecting…",
  pressPlay: "Press play to watch.",
  play: "Play",
  unmute: "Turn sound on",
  mutedByBrowser: "The browser started the video without sound.",
  notLive: "This stream is not live right now.",
  starting: "The stream is starting.",
  unreachable: "The server cannot be reached.",
  interrupted: "The stream was interrupted.",
  ended: "The stream has ended.",
  willRetry: "Playback starts by itself as soon as it is back.",
  denied: "You may not watch this stream.",
  deniedDetail: "The link may have expired, or it is meant for another place.",
  noSupport: "This browser cannot play live video.",
  noSupportDetail: "Try a current version of Chrome, Edge, Firefox or Safari.",
  badMedia: "This browser cannot play this stream's video or sound.",
  badMediaDetail: (error: string) => `The stream arrives, but cannot be decoded (${error}).`,
  noPlayer: "The player could not be loaded.",
  noStream: "This page names no stream.",
  tryAgain: "Try again",
};
