// Every state of the pages about media in both schemes and at 360 px: no fault, no overflow, no
// violation.

import { expect, it } from "vitest";
import { BAD_DAY, always, refusal } from "./support/clusters";
import { MediaNode, many } from "./support/media";
import type { Script } from "./support/mock_node";
import { picture } from "./support/picture";
import { expectSound, node, open, openTab, page, sees, startNode } from "./support/stage";

interface State {
  name: string;
  hash: string;
  /** Text that tells that the state is on the screen. */
  shows: string;
  api?: Script;
  /** The node has pictures of some streams. */
  hasPictures?: boolean;
}

const signedOut = always(refusal(401, "unauthorized", "who are you"));
const failing = always(refusal(500, "internal", "it broke"));
const silent = always({ never: true });
const empty = new MediaNode([], []).answer;
/** Peers that are dead, refused, silent: the lists are those of the nodes that are left. */
const badDay = new MediaNode(undefined, undefined, BAD_DAY).answer;

const STATES: State[] = [
  { name: "streams", hash: "#/streams", shows: "8 streams" },
  { name: "streams-pictures", hash: "#/streams", shows: "8 streams", hasPictures: true },
  {
    name: "streams-pages",
    hash: "#/streams",
    shows: "of 150",
    api: new MediaNode(many(150)).answer,
  },
  { name: "streams-bad-day", hash: "#/streams", shows: "8 streams", api: badDay },
  { name: "streams-empty", hash: "#/streams", shows: "no streams yet", api: empty },
  { name: "streams-none-match", hash: "#/streams?q=xyzzy", shows: "No stream matches" },
  { name: "streams-loading", hash: "#/streams", shows: "Still waiting", api: silent },
  { name: "streams-failing", hash: "#/streams", shows: "req-7f3a", api: failing },
  { name: "streams-signed-out", hash: "#/streams", shows: "Sign in", api: signedOut },
  { name: "stream", hash: "#/streams/live%2Fcam", shows: "file://fallback.mp4" },
  { name: "stream-error", hash: "#/streams/north-door", shows: "connection refused" },
  { name: "stream-dead", hash: "#/streams/north-yard", shows: "No frames" },
  { name: "stream-remote", hash: "#/streams/south-cam", shows: "A stream of south" },
  { name: "stream-remote-idle", hash: "#/streams/south-film", shows: "A stream of south" },
  { name: "stream-published", hash: "#/streams/studio%2Fanna", shows: "Published here" },
  { name: "stream-gone", hash: "#/streams/nothing", shows: "There is no such stream" },
  { name: "stream-loading", hash: "#/streams/live%2Fcam", shows: "Still waiting", api: silent },
  { name: "stream-failing", hash: "#/streams/live%2Fcam", shows: "req-7f3a", api: failing },
  { name: "stream-bad-day", hash: "#/streams/south-cam", shows: "A stream of south", api: badDay },
  { name: "stream-signed-out", hash: "#/streams/live%2Fcam", shows: "Sign in", api: signedOut },
  { name: "stream-edit", hash: "#/streams/live%2Fcam/edit", shows: "Input 3" },
  { name: "stream-new", hash: "#/streams/-", shows: "Input 1" },
  { name: "sessions", hash: "#/sessions", shows: "4 sessions" },
  { name: "sessions-bad-day", hash: "#/sessions", shows: "4 sessions", api: badDay },
  { name: "sessions-none-match", hash: "#/sessions?q=xyzzy", shows: "No session matches" },
  { name: "sessions-empty", hash: "#/sessions", shows: "no sessions now", api: empty },
  { name: "sessions-loading", hash: "#/sessions", shows: "Still waiting", api: silent },
  { name: "sessions-failing", hash: "#/sessions", shows: "req-7f3a", api: failing },
  { name: "sessions-signed-out", hash: "#/sessions", shows: "Sign in", api: signedOut },
];

it.each(STATES)("$name is sound", async ({ name, hash, shows, api, hasPictures }) => {
  await startNode({ api: api ?? new MediaNode().answer });
  if (hasPictures) node.pictureOf = (stream) => (stream === "north-yard" ? null : picture());
  await openTab(node.url + hash);
  await sees(shows);
  if (hasPictures) {
    await page.locator("tr", { hasText: "studio/anna" }).scrollIntoViewIfNeeded();
    await page.getByAltText("Picture of studio/anna").waitFor();
  }
  await expectSound(name);
});

it.each([
  { name: "streams", hash: "#/streams", keeps: "live/cam" },
  { name: "stream", hash: "#/streams/live%2Fcam", keeps: "Main stage" },
  { name: "sessions", hash: "#/sessions", keeps: "198.51.100.4" },
])("$name with a lost connection keeps its numbers and is sound", async ({ name, hash, keeps }) => {
  await open({ api: new MediaNode().answer }, hash);
  await sees(keeps);
  await node.kill();
  await sees("Connection to this node lost");
  await expectSound(`${name}-lost`);
  expect(await page.getByText(keeps).first().isVisible()).toBe(true);
});
