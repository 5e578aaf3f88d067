// A line that opens. What is in it is drawn from its first opening on.

import type { ComponentChild, ComponentChildren } from "preact";
import { useState } from "preact/hooks";

interface FoldProps {
  class: string;
  summary: ComponentChildren;
  children: () => ComponentChild;
}

export function Fold({ class: name, summary, children }: FoldProps) {
  const [wasOpened, setOpened] = useState(false);
  return (
    <details
      class={name}
      onToggle={(event) => {
        if (event.currentTarget.open) setOpened(true);
      }}
    >
      <summary>{summary}</summary>
      {wasOpened && children()}
    </details>
  );
}
