// What a form that edits one thing goes through: typed, sent as a change of what was read, refused
// at its fields, or found to be a change of something that somebody else has changed meanwhile.

import { useState } from "preact/hooks";
import { ApiProblem, send, type Reply, type Send } from "../api/http";
import { retry } from "../cluster/store";
import { strings } from "../strings";
import type { Put } from "./as_curl";
import type { Faults } from "./faults";

/** How the thing is held in the form. */
export interface Shape<Draft> {
  /** Reads an answer with distrust. */
  read(value: unknown): Draft;
  /** The body of a PUT that turns one into the other; empty where they are the same. */
  patchOf(before: Draft, after: Draft): Record<string, unknown>;
  /** What `mine` made of `base`, done to `theirs`. */
  rebased(base: Draft, mine: Draft, theirs: Draft): Draft;
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

export interface Editing<Draft> {
  base: Draft;
  draft: Draft;
  /** What saving would send now; null: nothing, or a new thing has no name yet. */
  wanted: Put | null;
  /** What somebody else has made of `base`, where that is in the way. */
  theirs: Draft | null;
  faults: Faults;
  /** The refusal that `faults` come from, if one says so. */
  problem: ApiProblem | null;
  /** How the last try went, where nothing is wrong and nothing was typed since. */
  note: string;
  change: (draft: Draft) => void;
  save: () => void;
  saveMine: () => void;
  takeTheirs: () => void;
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
  const [faults, setFaults] = useState<Faults>({});
  const [problem, setProblem] = useState<ApiProblem | null>(null);
  const [note, setNote] = useState("");
  const isNew = base.etag === null;
  const changes = shape.patchOf(base.draft, draft);
  const hasName = !path.endsWith("/");
  const isWanted = isNew ? hasName : Object.keys(changes).length > 0;

  function adopt(version: Version<Draft>): void {
    setBase(version);
    setDraft(version.draft);
    setTheirs(null);
  }

  async function put(from: Version<Draft>, body: Record<string, unknown>): Promise<void> {
    const request: Send = { method: "PUT", body, ...(isNew ? { isNew } : { ifMatch: from.etag }) };
    try {
      adopt(versionOf(await send(path, request)));
      setNote(strings.saved);
      onSaved();
    } catch (error) {
      if (!(error instanceof ApiProblem)) throw error;
      if (isNew || error.status !== 412) throw error;
      setTheirs(versionOf(await send(path, {})));
    }
  }

  function change(to: Draft): void {
    setDraft(to);
    setNote("");
  }

  function save(from: Version<Draft>, to: Draft): void {
    const body = shape.patchOf(from.draft, to);
    const found = shape.check?.(to) ?? {};
    setFaults(found);
    setProblem(null);
    setNote("");
    if (Object.keys(found).length > 0) return;
    if (!isNew && Object.keys(body).length === 0) return setNote(strings.nothingChanged);
    put(from, body).catch((error) => {
      if (!(error instanceof ApiProblem)) throw error;
      setFaults(shape.faultsOf(error, to));
      setProblem(error);
      retry(); // Where a session is over, this brings up the sign-in.
    });
  }

  return {
    base: base.draft,
    draft,
    wanted: isWanted ? { path, body: changes, isNew } : null,
    theirs: theirs && theirs.draft,
    faults,
    problem,
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
