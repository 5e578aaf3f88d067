// A text area with line numbers, and marks at the lines that something is wrong with.
//
// The text area is as large as its text, and both are scrolled together: so they stay in step.

import { useMemo } from "preact/hooks";
import { drawnAt, lineCount } from "./lines";
import { linesOf } from "./editing";
import { strings } from "./strings";

export const EDITOR_ID = "config-text";

/** Something at a line of the text. */
export interface Mark {
  id: string;
  line: number;
  col: number;
  isError: boolean;
  text: string;
}

interface EditorProps {
  text: string;
  marks: readonly Mark[];
  isReadOnly: boolean;
  describedBy: string;
  onText: (text: string) => void;
}

const SYMBOLS = { error: "✕", warning: "⚠" };
const toneOf = ({ isError }: Mark): "error" | "warning" => (isError ? "error" : "warning");
const below = (line: number): { top: string } => ({ top: `${line - 1}lh` });

function Gutter({ count, marks }: { count: number; marks: readonly Mark[] }) {
  const numbers = useMemo(
    () => Array.from({ length: count }, (_, index) => index + 1).join("\n"),
    [count],
  );
  return (
    <div class="gutter" aria-hidden="true">
      {numbers}
      {marks.map((mark) => (
        <span key={mark.id} class={`symbol-mark ${toneOf(mark)}`} style={below(mark.line)}>
          {SYMBOLS[toneOf(mark)]}
        </span>
      ))}
    </div>
  );
}

/** The line, the word in it, and behind the line's end what is wrong. */
function LineMark({ mark, line }: { mark: Mark; line: string }) {
  const { left, width, end } = drawnAt(line, mark.col);
  return (
    <div class={`line-mark ${toneOf(mark)}`} style={below(mark.line)}>
      <span
        id={mark.id}
        class="word-mark"
        style={{ marginLeft: `${left}ch`, width: `${width}ch` }}
      />
      <span class="message" style={{ marginLeft: `${end - left - width + 3}ch` }}>
        {mark.text}
      </span>
    </div>
  );
}

export function Editor({ text, marks, isReadOnly, describedBy, onText }: EditorProps) {
  const lines = marks.length > 0 ? linesOf(text) : [];
  const count = lineCount(text);
  return (
    <div class="editor">
      <Gutter count={count} marks={marks} />
      <div class="text">
        <div aria-hidden="true">
          {marks.map((mark) => (
            <LineMark key={mark.id} mark={mark} line={lines[mark.line - 1] ?? ""} />
          ))}
        </div>
        <textarea
          id={EDITOR_ID}
          aria-label={strings.editor}
          aria-describedby={describedBy}
          aria-invalid={marks.some(({ isError }) => isError)}
          rows={count}
          wrap="off"
          spellcheck={false}
          autocomplete="off"
          autocapitalize="off"
          readOnly={isReadOnly}
          value={text}
          onInput={(event) => onText(event.currentTarget.value)}
        />
      </div>
    </div>
  );
}
