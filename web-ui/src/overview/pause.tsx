// The button that freezes the table while one reads; data keep arriving.

import { isPaused, pausedAtMs, togglePause } from "../cluster/store";
import { formatTime } from "../format";
import { PAUSE_ID } from "../frame/keyboard";
import { strings } from "../strings";

export function PauseButton() {
  const since = pausedAtMs.value;
  return (
    <div class="pause">
      {since !== null && <span class="note">{strings.pausedSince(formatTime(since))}</span>}
      <button id={PAUSE_ID} type="button" aria-pressed={isPaused.value} onClick={togglePause}>
        <span aria-hidden="true">{isPaused.value ? "▶" : "❚❚"}</span> {strings.pause}
      </button>
    </div>
  );
}
