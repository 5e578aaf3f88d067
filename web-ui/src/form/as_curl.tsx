// Shows what a page does as a command, ready to be copied.

import { useState } from "preact/hooks";
import { addressOf } from "../api/http";
import { strings } from "../strings";
import { putByCurl } from "./curl";

export function Command({ command }: { command: string }) {
  const [copied, setCopied] = useState("");
  const copy = async (): Promise<void> => {
    await navigator.clipboard.writeText(command).catch(() => undefined);
    setCopied(command);
  };
  return (
    <details class="curl">
      <summary>{strings.asCurl}</summary>
      <pre tabIndex={0}>{command}</pre>
      {/* The clipboard exists only on https and on loopback. */}
      {navigator.clipboard && (
        <button type="button" onClick={copy}>
          {copied === command ? strings.copied : strings.copy}
        </button>
      )}
    </details>
  );
}

/** What saving a form sends. */
export interface Put {
  path: string;
  body: Record<string, unknown>;
  isNew?: boolean;
}

/** Nothing where there is nothing to send. */
export function AsCurl({ put }: { put: Put | null }) {
  return put && <Command command={putByCurl(addressOf(put.path), put.body, put.isNew)} />;
}
