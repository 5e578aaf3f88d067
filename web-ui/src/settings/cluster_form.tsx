// The form that sets the cluster key and adds a peer by its hostname, and what came of it: the
// node asks a new peer at once.

import { useState } from "preact/hooks";
import { ApiProblem, isReadOnly, send } from "../api/http";
import { peerPath } from "../api/paths";
import { isAlias } from "../cluster/rows";
import { liveRows, peerRow, retry } from "../cluster/store";
import { AsCurl, type Put } from "../form/as_curl";
import { FaultSummary } from "../form/fault_summary";
import { NOTHING, faultsOf } from "../form/faults";
import { Field } from "../form/field";
import { CELLS } from "../overview/cells";
import { formatCount } from "../format";
import { linkTo } from "../router";
import { strings } from "../strings";
import { hostnameFault } from "./hostname";
import { CONFIG_PATH, KeyField, useKeyState } from "./key_field";
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

/** What was saved last. */
interface Saved {
  hasKey: boolean;
  hostname: string;
}

function Results({ saved }: { saved: Saved | null }) {
  return (
    <>
      <div class="outcome" role="status">
        {saved?.hasKey && <p class="alone">{strings.keySaved}</p>}
        {saved?.hostname && <Outcome hostname={saved.hostname} />}
      </div>
      {saved?.hostname && <Answered hostname={saved.hostname} />}
    </>
  );
}

/** All of the form is written and never read: to others it says only how far a change has come. */
function NoForm({ acceptsOlder }: { acceptsOlder: boolean }) {
  return (
    <section class="panel" aria-label={strings.settingsTitle}>
      <p>{strings.readsOnly}</p>
      <Rotation acceptsOlder={acceptsOlder} />
    </section>
  );
}

export function ClusterForm() {
  const [keyState, readKeyState] = useKeyState();
  const [key, setKey] = useState("");
  const [typed, setTyped] = useState("");
  const [found, setFound] = useState(NOTHING);
  const [saved, setSaved] = useState<Saved | null>(null);
  const hostname = typed.trim();
  const put = putOf(key, hostname);

  async function save(): Promise<void> {
    const known = (liveRows.value ?? []).filter((row) => !row.isThisNode).map((row) => row.name);
    const fault = key !== "" && hostname === "" ? null : hostnameFault(hostname, known);
    setSaved(null);
    if (fault)
      return setFound({ faults: { hostname: strings.hostnameFaults[fault] }, problem: null });
    setFound(NOTHING);
    try {
      await send(put.path, { method: "PUT", body: put.body });
      setSaved({ hasKey: key !== "", hostname });
      setKey("");
      setTyped("");
      readKeyState();
    } catch (error) {
      if (!(error instanceof ApiProblem)) throw error;
      setFound({ faults: faultsOf(error, Object.keys(LABELS)), problem: error });
    }
    retry();
  }

  const submit = (event: Event): void => {
    event.preventDefault();
    void save();
  };
  const acceptsOlder = keyState?.acceptsOlder ?? false;
  if (isReadOnly.value) return <NoForm acceptsOlder={acceptsOlder} />;
  return (
    <form class="panel" aria-label={strings.settingsTitle} noValidate onSubmit={submit}>
      <FaultSummary {...found} labels={LABELS} />
      {keyState && (
        <KeyField
          state={keyState}
          value={key}
          error={found.faults["cluster_key"]}
          onText={setKey}
        />
      )}
      <Rotation acceptsOlder={acceptsOlder} />
      <Field
        id="hostname"
        label={strings.newPeer}
        help={strings.newPeerHelp}
        value={typed}
        error={found.faults["hostname"]}
        onText={setTyped}
      />
      <p class="actions">
        <button type="submit" class="primary">
          {strings.save}
        </button>
      </p>
      <Results saved={saved} />
      <AsCurl put={key === "" && hostname === "" ? null : put} />
    </form>
  );
}
