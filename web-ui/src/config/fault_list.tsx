// What the node finds wrong with the text, above it; each leads to its line. Takes the focus when
// it appears with errors.

import type { ComponentChild } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { addressOf, type Fault } from "../api/http";
import { Command } from "../form/as_curl";
import { byCurl } from "../form/curl";
import { Refusal } from "../form/refusal";
import { asSentence } from "../form/sentence";
import { EDITOR_ID, type Mark } from "./editor";
import { waits, type Verdict } from "./editing";
import { rangeOf } from "./lines";
import { strings } from "./strings";

/** A fault, and where it is in the text as it is now; null: elsewhere, or changed since. */
export interface Placed {
  fault: Fault;
  isError: boolean;
  /** From a quote that is never closed. */
  mayFollow: boolean;
  isHere: boolean;
  mark: Mark | null;
}

export function sentence({ title, detail }: Fault): string {
  return [title, detail].filter(Boolean).join("; ");
}

/** Moves focus and caret there, without touching the hash, which belongs to the router. */
function leadTo(event: Event, { id, line, col }: Mark): void {
  event.preventDefault();
  const editor = document.getElementById(EDITOR_ID) as HTMLTextAreaElement | null;
  editor?.focus({ preventScroll: true });
  editor?.setSelectionRange(...rangeOf(editor.value, line, col));
  document.getElementById(id)?.scrollIntoView({ block: "center", inline: "nearest" });
}

function Where({ placed: { fault, isHere, mark } }: { placed: Placed }) {
  const { place } = fault;
  if (!place) return null;
  if (!isHere) return <b>{strings.otherPlace(place.path ?? "", place.line, place.col)}:</b>;
  if (!mark)
    return (
      <b>
        {strings.place(place.line, place.col)} ({strings.since}):
      </b>
    );
  return (
    <a href={location.hash} onClick={(event) => leadTo(event, mark)}>
      {strings.place(mark.line, mark.col)}:
    </a>
  );
}

function words({ fault }: Placed): string {
  if (waits(fault)) return fault.title;
  return fault.place ? sentence(fault) : asSentence(sentence(fault));
}

const item = (placed: Placed, index: number): ComponentChild => (
  <li key={index}>
    <Where placed={placed} /> {words(placed)}
  </li>
);

interface FaultListProps {
  id: string;
  verdict: Verdict;
  placed: readonly Placed[];
}

export function FaultList({ id, verdict, placed }: FaultListProps) {
  const box = useRef<HTMLDivElement>(null);
  const hasErrors = verdict.title !== "";
  useEffect(() => {
    if (hasErrors) box.current?.focus();
  }, [verdict]);
  if (placed.length === 0) return null;
  const rest = verdict.faults.length + verdict.warnings.length - placed.length;
  const following = placed.filter((one) => one.mayFollow);
  const waiting = placed.filter(({ fault }) => waits(fault));
  const others = placed.filter((one) => !one.mayFollow && !waits(one.fault));
  const plain = verdict.warnings.filter((fault) => !waits(fault)).length;
  const title = verdict.title || (plain > 0 ? strings.warnings(plain) : strings.atStart);
  const isReload = verdict.advice === strings.onDisk;
  return (
    <div
      class={`banner ${hasErrors ? "bad" : "caution"} summary`}
      role="group"
      aria-label={title}
      tabIndex={-1}
      id={id}
      ref={box}
    >
      <p>
        <span aria-hidden="true">{hasErrors ? "✕" : "⚠"}</span> {title}
      </p>
      <ul>
        {others.map(item)}
        {rest > 0 && <li>{strings.moreFaults(rest)}</li>}
      </ul>
      {following.length > 0 && (
        <>
          <p>{strings.mayFollow}</p>
          <ul>{following.map(item)}</ul>
        </>
      )}
      {waiting.length > 0 && (
        <>
          {title !== strings.atStart && <p>{strings.atStart}:</p>}
          <ul>{waiting.map(item)}</ul>
        </>
      )}
      {verdict.advice && <p>{verdict.advice}</p>}
      {isReload && <Command command={byCurl("POST", addressOf("../../../flussonic/api/reload"))} />}
      {verdict.problem && <Refusal problem={verdict.problem} />}
    </div>
  );
}
