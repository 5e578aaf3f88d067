// The form that sets the cluster key and adds a peer by its hostname, and what came of it: the
// node asks a new peer at once.

import { useState } from "preact/hooks";
import { ApiProblem, isReadOnly, send } from "../api/http";
import { peerPath } from "../api/paths";
import { isAlias } from "../cluster/rows";
import { liveRows, peerRow, retry } from "../cluster/store";
import { AsCurl, type Put } from "../form/as_curl";
import { FaultSummary } from "../form/fault_summary";
import { faultsOf, type Faults } from "../form/faults";
import { Field } from "../form/field";
import { CELLS } from "../overview/cells";
import { formatCount } from "../format";
import { linkTo } from "../router";
import { strings } from "../strings";
import { hostnameFault } from "./hostname";
import { CONFIG_PATH, KeyField, useKeyState, type KeyState } from "./key_field";
import { Rotation } from "./rotation";
import { outcomeStrings } from "./strings";

const LABELS = { cluster_key: strings.clusterKey, hostname: strings.newPeer };

/** Follows the peer that was saved last. */
function Outcome({ hostname }: { hostname: string }) {
  const row = peerRow(hostname);
  return (
    <>
      <p>{strings.peerSaved(hostname)}</p>
      {row && CELLS.state(row)}
      {row && row.state !== "up" && !isAlias(row) && (
        <a href={linkTo("peers", hostname)}>{strings.setApiUrl}</a>
      )}
    </>
  );
}

const milliseconds = (ms: number): string => `${formatCount(Math.abs(ms))} ms`;

/** What the peer answered, and how; not read out, as it changes with each answer. */
function Answered({ hostname }: { hostname: string }) {
  const row = peerRow(hostname);
  if (!row) return null;
  const { clusterKey, clockOffsetMs: offset, fetchMs, versionDiffers } = row;
  const { version } = row.stats;
  const told = [
    clusterKey && outcomeStrings.keys[clusterKey],
    version && outcomeStrings.version(version, versionDiffers),
    offset !== null && outcomeStrings.clock(strings.offset(milliseconds(offset), offset >= 0)),
    fetchMs !== null && outcomeStrings.answersIn(milliseconds(fetchMs)),
  ].filter(Boolean);
  return told.length > 0 ? <p class="note">{told.join(" · ")}</p> : null;
}

/** Both are written together, or neither: a peer without a key would be refused. */
function putOf(key: string, hostname: string): Put {
  if (key === "") return { path: peerPath(hostname), body: {} };
  const body = { cluster_key: key, ...(hostname !== "" && { peers: [{ hostname }] }) };
  return { path: CONFIG_PATH, body };
}

interface EditedProps {
  keyState: KeyState | null;
  /** The key may be another one now. */
  onSaved: () => void;
}

function EditedForm({ keyState, onSaved }: EditedProps) {
  const [key, setKey] = useState("");
  const [typed, setTyped] = useState("");
  const [faults, setFaults] = useState<Faults>({});
  const [problem, setProblem] = useState<ApiProblem | null>(null);
  const [saved, setSaved] = useState<{ hasKey: boolean; hostname: string } | null>(null);

  const hostname = typed.trim();
  const put = putOf(key, hostname);

  async function save(): Promise<void> {
    const known = (liveRows.value ?? []).filter((row) => !row.isThisNode).map((row) => row.name);
    const fault = key !== "" && hostname === "" ? null : hostnameFault(hostname, known);
    setSaved(null);
    setProblem(null);
    if (fault) return setFaults({ hostname: strings.hostnameFaults[fault] });
    setFaults({});
    try {
      await send(put.path, { method: "PUT", body: put.body });
      setSaved({ hasKey: key !== "", hostname });
      setKey("");
      setTyped("");
      onSaved();
    } catch (error) {
      if (!(error instanceof ApiProblem)) throw error;
      setFaults(faultsOf(error, Object.keys(LABELS)));
      setProblem(error);
    }
    retry();
  }

  const submit = (event: Event): void => {
    event.preventDefault();
    void save();
  };
  return (
    <form class="panel" aria-label={strings.settingsTitle} noValidate onSubmit={submit}>
      <FaultSummary faults={faults} labels={LABELS} problem={problem} />
      {keyState && (
        <KeyField state={keyState} value={key} error={faults["cluster_key"]} onText={setKey} />
      )}
      <Rotation acceptsOlder={keyState?.acceptsOlder ?? false} />
      <Field
        id="hostname"
        label={strings.newPeer}
        help={strings.newPeerHelp}
        value={typed}
        error={faults["hostname"]}
        onText={setTyped}
      />
      <p class="actions">
        <button type="submit" class="primary">
          {strings.save}
        </button>
      </p>
      <div class="outcome" role="status">
        {saved?.hasKey && <p class="alone">{strings.keySaved}</p>}
        {saved?.hostname && <Outcome hostname={saved.hostname} />}
      </div>
      {saved?.hostname && <Answered hostname={saved.hostname} />}
      <AsCurl put={key === "" && hostname === "" ? null : put} />
    </form>
  );
}

export function ClusterForm() {
  const [keyState, readKeyState] = useKeyState();
  if (!isReadOnly.value) return <EditedForm keyState={keyState} onSaved={readKeyState} />;
  return (
    <section class="panel" aria-label={strings.settingsTitle}>
      <p>{strings.readsOnly}</p>
      <Rotation acceptsOlder={keyState?.acceptsOlder ?? false} />
    </section>
  );
}
