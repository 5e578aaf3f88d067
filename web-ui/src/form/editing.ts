// What a form that edits one thing goes through: typed, sent as a change of what was read, refused
// at its fields, or found to be a change of something that somebody else has changed meanwhile.

import { useState } from "preact/hooks";
import { ApiProblem, send, type Reply, type Send } from "../api/http";
import { retry } from "../cluster/store";
import { strings } from "../strings";
import type { Put } from "./as_curl";
import { NOTHING, type Faults, type Finding } from "./faults";

/** How the thing is held in the form. */
export interface Shape<Draft> {
  /** Reads an answer with distrust. */
  read(value: unknown): Draft;
  /** The body of a PUT that turns one into the other; empty where they are the same. */
  patchOf(before: Draft, after: Draft): Record<string, unknown>;
  /** What `mine` made of `base`, done to `theirs`. */
  rebased(base: Draft, mine: Draft, theirs: Draft): Draft;
  /** What is said of a new thing without a name, where a person names it. */
  unnamed?: Faults;
  /** What can be told without asking the node, which checks it again. */
  check?(draft: Draft): Faults;
  /** What a refusal of `draft` says, at its fields. */
  faultsOf(problem: ApiProblem, draft: Draft): Faults;
}

/** A draft as it was read, and the tag that names it. */
interface Version<Draft> {
  draft: Draft;
  etag: string | null;
}

export interface Editing<Draft> extends Finding {
  base: Draft;
  draft: Draft;
  wanted: Put | null;
  /** What somebody else has made of `base`, where that is in the way. */
  theirs: Draft | null;
  /** How the last try went, where nothing is wrong and nothing was typed since. */
  note: string;
  change: (draft: Draft) => void;
  save: () => void;
  saveMine: () => void;
  takeTheirs: () => void;
}

const hasName = (path: string): boolean => !path.endsWith("/");

/** What saving would send; null: nothing, or a new thing has no name yet. */
function wantedOf(path: string, isNew: boolean, body: Put["body"]): Put | null {
  const isWanted = isNew ? hasName(path) : Object.keys(body).length > 0;
  return isWanted ? { path, body, isNew } : null;
}

/** PUTs a change of what `etag` names, or a new thing; or answers what others made of it. */
async function put(
  path: string,
  etag: string | null,
  body: Put["body"],
): Promise<{ reply: Reply; isTheirs: boolean }> {
  const condition: Send = etag === null ? { isNew: true } : { ifMatch: etag };
  try {
    return { reply: await send(path, { method: "PUT", body, ...condition }), isTheirs: false };
  } catch (error) {
    if (!(error instanceof ApiProblem)) throw error;
    if (etag === null || error.status !== 412) throw error;
    return { reply: await send(path, {}), isTheirs: true };
  }
}

export function useEditing<Draft>(
  path: string,
  reply: Reply,
  shape: Shape<Draft>,
  onSaved: () => void,
): Editing<Draft> {
  const versionOf = ({ value, etag }: Reply): Version<Draft> => ({
    draft: shape.read(value),
    etag,
  });
  const [base, setBase] = useState(() => versionOf(reply));
  const [draft, setDraft] = useState(base.draft);
  const [theirs, setTheirs] = useState<Version<Draft> | null>(null);
  const [found, setFound] = useState(NOTHING);
  const [note, setNote] = useState("");
  const isNew = base.etag === null;

  function adopt(version: Version<Draft>): void {
    setBase(version);
    setDraft(version.draft);
    setTheirs(null);
  }

  function settle({ reply, isTheirs }: { reply: Reply; isTheirs: boolean }): void {
    if (isTheirs) return setTheirs(versionOf(reply));
    adopt(versionOf(reply));
    setNote(strings.saved);
    onSaved();
  }

  function change(to: Draft): void {
    setDraft(to);
    setNote("");
  }

  function save(from: Version<Draft>, to: Draft): void {
    const body = shape.patchOf(from.draft, to);
    const faults = { ...(!hasName(path) && shape.unnamed), ...shape.check?.(to) };
    setFound({ faults, problem: null });
    setNote("");
    if (Object.keys(faults).length > 0) return;
    if (!isNew && Object.keys(body).length === 0) return setNote(strings.nothingChanged);
    put(path, from.etag, body).then(settle, (error) => {
      if (!(error instanceof ApiProblem)) throw error;
      setFound({ faults: shape.faultsOf(error, to), problem: error });
      retry(); // Where a session is over, this brings up the sign-in.
    });
  }

  return {
    base: base.draft,
    draft,
    wanted: wantedOf(path, isNew, shape.patchOf(base.draft, draft)),
    theirs: theirs && theirs.draft,
    ...found,
    note,
    change,
    save: () => save(base, draft),
    saveMine: () => {
      if (!theirs) return;
      const mine = shape.rebased(base.draft, draft, theirs.draft);
      setBase(theirs);
      setDraft(mine);
      setTheirs(null);
      save(theirs, mine);
    },
    takeTheirs: () => theirs && adopt(theirs),
  };
}
