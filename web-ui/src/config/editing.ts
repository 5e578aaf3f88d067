// What an edit of the config file goes through: typed, checked, applied as a change of what was
// read, refused at its lines, or found to be a change of a text that others have changed meanwhile.

import { useEffect, useRef, useState } from "preact/hooks";
import {
  ApiProblem,
  type Fault,
  isReadOnly,
  learnSession,
  readFault,
  type Reply,
  send,
  session,
} from "../api/http";
import { fields } from "../api/model";
import { retry } from "../cluster/store";
import { changesOf, merged, regionsOf, type Region } from "./difference";
import { includesOf } from "./lines";
import { strings } from "./strings";

export const PATH = "config";

/** A text as it was read, with the tag that names it. */
interface Version {
  /** Its lines end with a line feed, as a text area has them. */
  text: string;
  lineEnd: string;
  etag: string | null;
}

/** What the node said about a text. */
export interface Verdict {
  text: string;
  /** What that means; empty if nothing is wrong. */
  title: string;
  faults: readonly Fault[];
  warnings: readonly Fault[];
  /** What can be done about it, where that is not plain. */
  advice: string;
  /** The refusal that says so, if one does. */
  problem: ApiProblem | null;
}

export interface Editing {
  base: Version;
  draft: string;
  verdict: Verdict | null;
  /** How the last try goes or went, if nothing is wrong. */
  note: string;
  isBusy: boolean;
  /** The path of the file itself; none known while it does not matter. */
  mainPath: string | null;
  /** What both sides made of the text, where somebody else's change is in the way. */
  regions: readonly Region[] | null;
  change: (draft: string) => void;
  check: () => void;
  apply: () => void;
  saveMine: () => void;
  takeTheirs: () => void;
}

const ADVICE: Record<string, string> = {
  config_changed: strings.onDisk,
  config_read_only: strings.readOnlyFile,
};

/** Does it say that a change is written now and in force later? In the words of the node. */
export const waits = ({ detail }: Fault): boolean => detail === "it takes effect at the next start";

export const linesOf = (text: string): string[] => text.split("\n");

function versionOf({ value, etag }: Reply): Version {
  const text = typeof value === "string" ? value : "";
  const lineEnd = text.includes("\r\n") ? "\r\n" : "\n";
  return { text: text.replaceAll("\r\n", "\n"), lineEnd, etag };
}

export function difference(before: string, after: string): { added: number; removed: number } {
  const changes = changesOf(linesOf(before), linesOf(after));
  return {
    added: changes.reduce((sum, { lines }) => sum + lines.length, 0),
    removed: changes.reduce((sum, { from, to }) => sum + to - from, 0),
  };
}

async function warningsAbout(text: string): Promise<Fault[]> {
  const reply = await send(PATH, { method: "POST", body: text, isText: true });
  const { warnings } = fields(reply.value);
  return Array.isArray(warnings) ? warnings.map(readFault) : [];
}

/** The node names the main file only where it finds fault with it. */
async function findMainPath(): Promise<string | null> {
  try {
    await warningsAbout("?");
  } catch (error) {
    if (error instanceof ApiProblem) return error.faults[0]?.place?.path ?? null;
    throw error;
  }
  return null;
}

function verdictOf(problem: ApiProblem, text: string, title: string): Verdict {
  const whole: Fault = { pointer: null, title: problem.message, detail: null };
  const faults = problem.faults.length > 0 ? problem.faults : [whole];
  return { text, title, faults, warnings: [], advice: ADVICE[problem.code ?? ""] ?? "", problem };
}

/** How tries go: one at a time, with what the node says of each. */
interface Tries {
  verdict: Verdict | null;
  note: string;
  isBusy: boolean;
  mainPath: string | null;
  setNote: (note: string) => void;
  /** Shows what the node said of the text. */
  show: (verdict: Verdict | null) => Promise<void>;
  /** Does `act`, and shows why not if it is refused. */
  attempt: (
    text: string,
    doing: string,
    titleOf: (problem: ApiProblem) => string,
    act: () => Promise<void>,
  ) => Promise<void>;
}

/** What is in force may deserve a look, too: a word that waits for the next start, a weak key. */
function useFirstLook(base: Version, show: (found: Verdict) => Promise<void>): void {
  async function look(): Promise<void> {
    // Only who may change it may have it checked.
    if (!session.peek()) await learnSession();
    if (isReadOnly.peek()) return;
    const warnings = await warningsAbout(sent(base.text, base));
    if (warnings.length > 0) await show(nothingWrong(base.text, warnings));
  }
  useEffect(() => {
    // Without an answer there is nothing to show yet.
    look().catch(() => undefined);
  }, []);
}

function useTries(base: Version): Tries {
  const [verdict, setVerdict] = useState<Verdict | null>(null);
  const [note, setNote] = useState("");
  const [isBusy, setBusy] = useState(false);
  const mainPath = useRef<string | null>(null);

  async function learnMainPath(found: Verdict | null): Promise<void> {
    const hasPlaces = [...(found?.faults ?? []), ...(found?.warnings ?? [])].some(
      ({ place }) => place,
    );
    if (found && hasPlaces && includesOf(found.text).length > 0)
      mainPath.current ??= await findMainPath();
  }

  const show: Tries["show"] = async (found) => {
    await learnMainPath(found);
    setVerdict(found);
  };

  useFirstLook(base, async (found) => {
    await learnMainPath(found);
    setVerdict((shown) => shown ?? found);
  });

  const attempt: Tries["attempt"] = async (text, doing, titleOf, act) => {
    if (isBusy) return;
    setBusy(true);
    setNote(doing);
    try {
      await act();
    } catch (error) {
      if (!(error instanceof ApiProblem)) throw error;
      setNote("");
      await show(verdictOf(error, text, titleOf(error))).catch(() => undefined);
      if (error.kind === "unauthorized") retry(); // Brings up the sign-in.
    } finally {
      setBusy(false);
    }
  };

  return { verdict, note, isBusy, mainPath: mainPath.current, setNote, show, attempt };
}

const sent = (text: string, { lineEnd }: Version): string => text.replaceAll("\n", lineEnd);

const titleOfApply = (): string => strings.notApplied;
const titleOfCheck = ({ status }: ApiProblem): string =>
  status === 400 ? strings.notValid : strings.notChecked;

const nothingWrong = (text: string, warnings: readonly Fault[]): Verdict => ({
  text,
  title: "",
  faults: [],
  warnings,
  advice: "",
  problem: null,
});

async function checkAndPut(
  from: Version,
  text: string,
): Promise<{ version: Version; warnings: Fault[] }> {
  const body = sent(text, from);
  const warnings = await warningsAbout(body);
  const reply = await send(PATH, { method: "PUT", body, isText: true, ifMatch: from.etag });
  return { version: versionOf(reply), warnings };
}

export function useConfigText(reply: Reply): Editing {
  const [base, setBase] = useState(() => versionOf(reply));
  const [draft, setDraft] = useState(base.text);
  const [theirs, setTheirs] = useState<Version | null>(null);
  const { verdict, note, isBusy, mainPath, setNote, show, attempt } = useTries(base);

  function adopt(version: Version): void {
    setBase(version);
    setDraft(version.text);
    setTheirs(null);
  }

  function check(): void {
    void attempt(draft, strings.checking, titleOfCheck, async () => {
      await show(nothingWrong(draft, await warningsAbout(sent(draft, base))));
      setNote(draft === base.text ? strings.validAsIs : strings.valid);
    });
  }

  async function put(from: Version, text: string): Promise<void> {
    const { version, warnings } = await checkAndPut(from, text);
    const { added, removed } = difference(from.text, text);
    adopt(version);
    setNote(strings.applied(added, removed, warnings.some(waits)));
    await show(nothingWrong(version.text, warnings));
  }

  async function compare(from: Version, text: string): Promise<void> {
    const version = versionOf(await send(PATH, { isText: true }));
    setNote("");
    await show(null);
    if (version.text === text) return adopt(version);
    if (version.text !== from.text) return setTheirs(version);
    setBase(version);
    setNote(strings.onlyOthers);
  }

  function apply(from: Version, text: string): void {
    if (text === from.text) return setNote(strings.nothingToApply);
    void attempt(text, strings.applying, titleOfApply, async () => {
      try {
        await put(from, text);
      } catch (error) {
        if (!(error instanceof ApiProblem) || error.status !== 412) throw error;
        await compare(from, text);
      }
    });
  }

  const regions = theirs && regionsOf(linesOf(base.text), linesOf(draft), linesOf(theirs.text));

  function saveMine(): void {
    if (!theirs || !regions) return;
    const mine = merged(linesOf(base.text), regions).join("\n");
    setBase(theirs);
    setDraft(mine);
    setTheirs(null);
    apply(theirs, mine);
  }

  function change(text: string): void {
    setDraft(text);
    setNote("");
  }

  const takeTheirs = (): void => void (theirs && adopt(theirs));
  const state = { base, draft, verdict, note, isBusy, mainPath, regions };
  return { ...state, change, check, saveMine, takeTheirs, apply: () => apply(base, draft) };
}
