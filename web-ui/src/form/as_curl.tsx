// Shows what a form would change as a command, ready to be copied; a secret in it is not told.

import { useState } from "preact/hooks";
import { addressOf } from "../api/http";
import { strings } from "../strings";
import { putByCurl } from "./curl";

interface AsCurlProps {
  path: string;
  body: Record<string, unknown>;
  /** The field of `body` that holds one. */
  secret: string;
}

export function AsCurl({ path, body, secret }: AsCurlProps) {
  const command = putByCurl(addressOf(path), body[secret] ? { ...body, [secret]: "***" } : body);
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
