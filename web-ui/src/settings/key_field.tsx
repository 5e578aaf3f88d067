// The cluster key: written, never read. It is shown only while it is typed, or just made up.

import { useEffect, useState } from "preact/hooks";
import { isReadOnly, learnSession, send, session } from "../api/http";
import { fields, text } from "../api/model";
import { Field, keptText } from "../form/field";
import { strings } from "../strings";

export const CONFIG_PATH = "config";
const KEY_BYTES = 24;
/** Below, `watershed check` warns, too. */
const KEY_CHARACTERS_MIN = 16;

export interface KeyState {
  isSet: boolean;
  /** Peers may show older keys, too. */
  acceptsOlder: boolean;
  /** What the node has to say about the key that is set. */
  warning: string | null;
}

/** The node says it only to those who may change the key. */
async function fetchWarning(): Promise<string | null> {
  if (!session.peek()) await learnSession();
  if (isReadOnly.peek()) return null;
  const check = await send(CONFIG_PATH, { method: "POST", body: {} });
  const { warnings } = fields(check.value);
  const titles = Array.isArray(warnings) ? warnings.map((one) => text(fields(one)["title"])) : [];
  return titles.find((title) => title?.includes("cluster key")) ?? null;
}

async function fetchState(): Promise<KeyState> {
  const { cluster_key: key, cluster_key_accept: older } = fields(
    (await send(CONFIG_PATH, {})).value,
  );
  return {
    isSet: text(key) !== null,
    acceptsOlder: Array.isArray(older) && older.length > 0,
    warning: await fetchWarning().catch(() => null),
  };
}

/** Null where the node does not say; the function asks again. */
export function useKeyState(): [KeyState | null, () => void] {
  const [state, setState] = useState<KeyState | null>(null);
  const read = (): void => void fetchState().then(setState, () => undefined);
  useEffect(read, [isReadOnly.value]);
  return [state, read];
}

function madeUp(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(KEY_BYTES));
  return btoa(String.fromCharCode(...bytes))
    .replaceAll("+", "-")
    .replaceAll("/", "_");
}

interface KeyFieldProps {
  state: KeyState;
  value: string;
  error: string | undefined;
  onText: (text: string) => void;
}

export function KeyField({ state, value, error, onText }: KeyFieldProps) {
  const [isShown, setShown] = useState(false);
  const isShort = value !== "" && value.length < KEY_CHARACTERS_MIN;
  useEffect(() => {
    if (value === "") setShown(false); // It was saved: the next one is typed blindly again.
  }, [value]);
  const generate = (): void => {
    onText(madeUp());
    setShown(true);
  };
  return (
    <>
      <Field
        id="cluster_key"
        label={strings.clusterKey}
        help={isShort ? strings.shortKey(KEY_CHARACTERS_MIN) : strings.clusterKeyHelp}
        placeholder={state.isSet ? keptText() : strings.keyIsNotSet}
        value={value}
        error={error}
        isSecret={!isShown}
        onText={onText}
      />
      {state.warning && value === "" && (
        <p class="note caution">
          <span aria-hidden="true">⚠</span> {state.warning}
        </p>
      )}
      <p class="actions">
        <label class="check">
          <input
            type="checkbox"
            checked={isShown}
            onChange={(event) => setShown(event.currentTarget.checked)}
          />
          {strings.showKey}
        </label>
        <button type="button" onClick={generate}>
          {strings.generateKey}
        </button>
      </p>
    </>
  );
}
