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

interface AsCurlProps {
  path: string;
  body: Record<string, unknown>;
  /** The field of `body` that holds one. */
  secret: string;
}

/** What a form would change; a secret in it is not told. */
export function AsCurl({ path, body, secret }: AsCurlProps) {
  const shown = body[secret] ? { ...body, [secret]: "***" } : body;
  return <Command command={putByCurl(addressOf(path), shown)} />;
}
