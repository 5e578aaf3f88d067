// Words of a document: backticks make code, two stars weight, an empty line a paragraph.

import type { ComponentChild } from "preact";

export function prose(text: string): ComponentChild[] {
  return text.split(/(`[^`]+`|\*\*[^*]+\*\*)/).map((part, index) => {
    if (index % 2 === 0) return part;
    return part.startsWith("`") ? <code>{part.slice(1, -1)}</code> : <b>{part.slice(2, -2)}</b>;
  });
}

export function Paragraphs({ text }: { text: string }) {
  return (
    <div class="told">
      {text.split(/\n\s*\n/).map((paragraph, index) => (
        <p key={index}>{prose(paragraph)}</p>
      ))}
    </div>
  );
}
