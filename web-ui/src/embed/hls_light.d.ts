// The light build of hls.js (no subtitles, alternate audio or DRM) ships no types of its own.

declare module "hls.js/light" {
  export { default } from "hls.js";
  export * from "hls.js";
}
