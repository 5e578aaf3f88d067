// The way up from a page, above its title.

import type { ComponentChildren } from "preact";

interface BackProps {
  href: string;
  children: ComponentChildren;
}

export function Back({ href, children }: BackProps) {
  return (
    <p class="back">
      <a href={href}>{children}</a>
    </p>
  );
}
