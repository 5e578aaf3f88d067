// A picture as a node makes it of a keyframe.

import { execFileSync } from "node:child_process";

const COMMAND = "-v error -f lavfi -i testsrc2=size=320x180 -frames:v 1 -f mjpeg -";
let made: Buffer | null = null;

export function picture(): Buffer {
  made ??= execFileSync("ffmpeg", COMMAND.split(" "));
  return made;
}
