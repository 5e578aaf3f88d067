// A button that changes something; off, and why, where the login may only read.

import type { ComponentChildren } from "preact";
import { session } from "../api/http";
import { strings } from "../strings";

interface DeedProps {
  /** What it says where its content does not; shown as a hint, too. */
  label?: string;
  class?: string;
  onClick: () => void;
  children: ComponentChildren;
}

export function Deed({ label, class: name, onClick, children }: DeedProps) {
  const reason = session.value?.mayWrite === false ? strings.readsOnly : undefined;
  return (
    <button
      type="button"
      class={name}
      disabled={reason !== undefined}
      aria-label={label && reason ? `${label}. ${reason}` : label}
      title={reason ?? label}
      onClick={onClick}
    >
      {children}
      {reason && !label && <span class="hidden">. {reason}</span>}
    </button>
  );
}
