// The list of keyboard shortcuts, and the switch that turns them off.

import { shortcutsOn } from "../preferences";
import { strings } from "../strings";
import { GROUPS } from "./navigation";

const ID = "keys";

function dialog(): HTMLDialogElement | null {
  return document.getElementById(ID) as HTMLDialogElement | null;
}

export function openKeys(): void {
  const found = dialog();
  if (found && !found.open) found.showModal();
}

export function KeysDialog() {
  const links = GROUPS.flatMap((group) => group.links);
  const ways = links.map(({ key, label }) => [`g ${key}`, strings.goTo(label)] as const);
  return (
    <dialog id={ID} aria-labelledby="keys-title">
      <h2 id="keys-title">{strings.keysTitle}</h2>
      <dl>
        {[...strings.keyList, ...ways].map(([keys, does]) => (
          <div key={keys}>
            <dt>
              {keys.split(" ").map((key) => (
                <kbd key={key}>{key}</kbd>
              ))}
            </dt>
            <dd>{does}</dd>
          </div>
        ))}
      </dl>
      <label class="check">
        <input
          type="checkbox"
          checked={shortcutsOn.value}
          onChange={(event) => (shortcutsOn.value = event.currentTarget.checked)}
        />
        {strings.keysOn}
      </label>
      <button type="button" onClick={() => dialog()?.close()}>
        {strings.close}
      </button>
    </dialog>
  );
}
