// Which input of a stream an error is about. Pure.
//
// The node tells one error a stream, which names the input's address in its own way: without user
// and password, a file's path from the config's folder.

import type { Input, Stream, StreamState } from "../api/streams";

export interface InputRow extends Input {
  state: StreamState;
  error: string | null;
}

/** The part of a URL that an error repeats. */
function address(url: string): string {
  return url.replace(/^[a-z]+:\/\//, "").replace(/^[^/@]*@/, "");
}

/** The inputs with what is known of each: of several, only that one has failed, or what is left. */
export function inputRows({ inputs, error, state }: Stream): InputRow[] {
  const failed =
    inputs.length === 1
      ? 0
      : inputs.findIndex(({ url }) => address(url) !== "" && error?.includes(address(url)));
  const hasFailed = (index: number): boolean => error !== null && index === failed;
  const others = inputs.filter((_, index) => !hasFailed(index)).length;
  return inputs.map((input, index) => {
    if (hasFailed(index)) return { ...input, state: "error", error };
    return { ...input, state: others === 1 ? state : "unknown", error: null };
  });
}
