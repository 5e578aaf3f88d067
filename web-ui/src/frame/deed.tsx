// A button that changes something, or a link that leads to it; off, and why, where the login may
// only read. Off it keeps its place in the order of keys, so that nobody misses the reason.

import type { ComponentChildren } from "preact";
import { isReadOnly } from "../api/http";
import { strings } from "../strings";

interface DeedProps {
  /** What it says where its content does not; shown as a hint, too. */
  label?: string;
  class?: string;
  onClick?: () => void;
  /** Where it leads, if it is a link. */
  href?: string;
  children: ComponentChildren;
}

export function Deed({ label, class: name, onClick, href, children }: DeedProps) {
  if (isReadOnly.value) {
    const reason = strings.readsOnly;
    return (
      <button
        type="button"
        class={name}
        aria-disabled="true"
        aria-label={label && `${label}. ${reason}`}
        title={reason}
      >
        {children}
        {!label && <span class="hidden">. {reason}</span>}
      </button>
    );
  }
  return href ? (
    <a class={name} href={href} aria-label={label} title={label}>
      {children}
    </a>
  ) : (
    <button type="button" class={name} aria-label={label} title={label} onClick={onClick}>
      {children}
    </button>
  );
}
