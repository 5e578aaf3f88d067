// Config: the text of the main config file, checked before it is applied, its errors at their
// lines.

import { useEffect, useMemo, useRef } from "preact/hooks";
import { addressOf, isReadOnly, type Fault, type Reply } from "../api/http";
import { liveRows } from "../cluster/store";
import { Command } from "../form/as_curl";
import { Conflict, type Difference } from "../form/conflict";
import { byCurl } from "../form/curl";
import { Leaving } from "../form/leaving";
import { Loaded } from "../form/loaded";
import { Gate } from "../frame/gate";
import { Title } from "../frame/notices";
import { strings as common } from "../strings";
import "../styles/config.css";
import type { Region } from "./difference";
import { Editor, type Mark } from "./editor";
import { PATH, difference, linesOf, useConfigText, type Editing, type Verdict } from "./editing";
import { FaultList, sentence, type Placed } from "./fault_list";
import { includesOf, lineMover } from "./lines";
import { mayFollow } from "./quotes";
import { strings } from "./strings";

const AS_TEXT = { isText: true };
const FAULTS_ID = "config-faults";
const ABOUT_ID = "config-about";
/** Lines of one side that a conflict shows. */
const SHOWN_LINES = 8;
const SHOWN_FAULTS = 100;

function excerpt(lines: readonly string[] | null): string {
  if (lines === null) return common.unchanged;
  if (lines.length === 0) return strings.nothing;
  const rest = lines.length - SHOWN_LINES;
  const shown = lines.slice(0, SHOWN_LINES);
  return [...shown, ...(rest > 0 ? [strings.moreLines(rest)] : [])].join("\n");
}

function differenceOf({ from, to, mine, theirs }: Region): Difference {
  const label = from === to ? strings.added(from) : strings.region(from, to);
  return { label, mine: excerpt(mine), theirs: excerpt(theirs) };
}

/** Where the first faults of a verdict are in the text as it is now. */
function place(verdict: Verdict, draft: string, mainPath: string | null): Placed[] {
  const before = linesOf(verdict.text);
  const moved = lineMover(before, linesOf(draft));
  const placed = (isError: boolean) => (fault: Fault, index: number) => {
    const at = fault.place;
    const isHere = Boolean(at) && (mainPath === null || at?.path === mainPath);
    const line = at && isHere ? moved(at.line) : null;
    const id = `mark-${isError ? "error" : "warning"}-${index}`;
    const mark = line && at && { id, line, col: at.col, isError, text: sentence(fault) };
    const follows = mayFollow(fault, verdict.faults);
    return { fault, isError, mayFollow: follows, isHere, mark: mark || null };
  };
  const all = [...verdict.faults.map(placed(true)), ...verdict.warnings.map(placed(false))];
  return all.slice(0, SHOWN_FAULTS);
}

/** Of several at one line the last is on top: none that may only follow from another. */
function marksOf(placed: readonly Placed[]): Mark[] {
  const drawn = [...placed].sort((one, other) => Number(other.mayFollow) - Number(one.mayFollow));
  return drawn.flatMap(({ mark }) => mark ?? []);
}

/** The same by hand: read the text, check it, apply it. */
function Commands({ etag }: { etag: string | null }) {
  const url = addressOf(PATH);
  const file = "watershed.conf";
  const text = ["-H", "Content-Type: text/plain", "--data-binary", `@${file}`];
  const condition = etag === null ? [] : ["-H", `If-Match: ${etag}`];
  const commands = [
    [strings.byHand.read, byCurl("GET", url, ["-H", "Accept: text/plain", "-o", file])],
    [strings.byHand.check, byCurl("POST", url, text)],
    [strings.byHand.apply, byCurl("PUT", url, [...condition, ...text])],
  ];
  return <Command command={commands.flat().join("\n")} />;
}

/** Ctrl+S checks, and keeps the browser from saving the page. */
function useCheckKey(check: () => void): void {
  // Of the last render: effects run only after it is painted, and keys may come before.
  const latest = useRef(check);
  latest.current = check;
  useEffect(() => {
    const onKey = (event: KeyboardEvent): void => {
      if (event.key !== "s" || !(event.ctrlKey || event.metaKey) || event.altKey) return;
      event.preventDefault();
      if (!document.querySelector("dialog[open]")) latest.current();
    };
    document.addEventListener("keydown", onKey);
    return () => document.removeEventListener("keydown", onKey);
  }, []);
}

function Actions({ editing }: { editing: Editing }) {
  const { base, draft, note, isBusy } = editing;
  const changed = useMemo(() => difference(base.text, draft), [base, draft]);
  return (
    <p class="actions">
      <button type="submit" class="primary" disabled={isBusy}>
        {strings.apply}
      </button>
      <button type="button" disabled={isBusy} aria-keyshortcuts="Control+S" onClick={editing.check}>
        {strings.check} <kbd>{strings.checkKey}</kbd>
      </button>
      <span role="status">{note}</span>
      {note === "" && (
        <span class="note">
          {draft === base.text
            ? strings.notChanged
            : strings.changed(changed.added, changed.removed)}
        </span>
      )}
    </p>
  );
}

/** Of this node a row gives no other reason. */
function Broken() {
  const isBroken = liveRows.value?.some(({ isThisNode, reason }) => isThisNode && reason !== null);
  if (!isBroken) return null;
  return (
    <p class="banner caution" role="alert">
      <span aria-hidden="true">⚠</span> {strings.broken}
    </p>
  );
}

function ConfigForm({ reply }: { reply: Reply }) {
  const editing = useConfigText(reply);
  const { base, draft, verdict, regions, mainPath } = editing;
  const mayWrite = !isReadOnly.value;
  const includes = useMemo(() => includesOf(base.text), [base]);
  const placed = useMemo(
    () => (verdict ? place(verdict, draft, mainPath) : []),
    [verdict, draft, mainPath],
  );
  useCheckKey(() => mayWrite && editing.check());
  return (
    <form
      class="config"
      aria-label={strings.title}
      onSubmit={(event) => {
        event.preventDefault();
        editing.apply();
      }}
    >
      <p class="note" id={ABOUT_ID}>
        {mayWrite ? strings.about : strings.readOnly}{" "}
        {includes.length > 0 && strings.includes(includes)}
      </p>
      <Broken />
      {verdict && <FaultList id={FAULTS_ID} verdict={verdict} placed={placed} />}
      {regions && (
        <Conflict
          differences={regions.map(differenceOf)}
          onMine={editing.saveMine}
          onTheirs={editing.takeTheirs}
        />
      )}
      <Editor
        text={draft}
        marks={marksOf(placed)}
        isReadOnly={!mayWrite || editing.isBusy}
        describedBy={`${ABOUT_ID} ${FAULTS_ID}`}
        onText={editing.change}
      />
      {mayWrite && <Actions editing={editing} />}
      <Commands etag={base.etag} />
      {draft !== base.text && (
        <Leaving title={strings.leaveTitle} verb={strings.leave} text={strings.leaveText} />
      )}
    </form>
  );
}

export function ConfigPage() {
  return (
    <>
      <Title text={strings.title} liveMs={null} />
      <Gate>
        <Loaded path={PATH} request={AS_TEXT}>
          {(reply) => <ConfigForm reply={reply} />}
        </Loaded>
      </Gate>
    </>
  );
}
