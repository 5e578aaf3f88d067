// About: what this node is, where else it can be asked, and whose work these pages contain.

import type { ComponentChildren } from "preact";
import { useEffect, useState } from "preact/hooks";
import { fields, readNodeStats, text, type NodeStats } from "../api/model";
import { MISSING, formatDuration, formatInstant } from "../format";
import { Gate } from "../frame/gate";
import { Title } from "../frame/notices";
import { useWatched } from "../frame/watched";
import { linkTo } from "../router";
import "../styles/about.css";
import { badge } from "../table/cells";
import type { SymbolName } from "../table/symbol";
import { strings } from "./strings";

interface NodeFacts {
  id: string | null;
  stats: NodeStats;
}

const read = (value: unknown): NodeFacts => ({
  id: text(fields(value)["id"]),
  stats: readNodeStats(value),
});

const SYMBOLS: Record<string, SymbolName> = {
  running: "up",
  starting: "unknown",
  draining: "draining",
  broken_config: "down",
};

function State({ status }: { status: string | null }) {
  const symbol = SYMBOLS[status ?? ""];
  const label = strings.nodeStates[status ?? ""];
  return <>{symbol && label ? badge(symbol, label) : (status ?? MISSING)}</>;
}

function Facts({ id, stats }: NodeFacts) {
  const { version, status, hostname, startedAtSeconds, uptimeSeconds } = stats;
  const facts: [string, ComponentChildren][] = [
    [strings.facts.version, version ?? MISSING],
    [strings.facts.state, <State status={status} />],
    [strings.facts.hostname, hostname ?? MISSING],
    [strings.facts.started, startedAtSeconds ? formatInstant(startedAtSeconds * 1000) : MISSING],
    [strings.facts.uptime, formatDuration(uptimeSeconds)],
    [strings.facts.id, <code>{id ?? MISSING}</code>],
  ];
  return (
    <div class="panel facts about">
      <p>{strings.product}</p>
      <dl>
        {facts.map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
    </div>
  );
}

function Links() {
  const player = new URL("./", document.baseURI).href;
  return (
    <section aria-labelledby="links">
      <h2 id="links">{strings.links}</h2>
      <ul>
        <li>
          <a href={linkTo("api")}>{strings.api}</a>: {strings.apiText}
        </li>
        <li>
          <a href="./metrics">{strings.metrics}</a>: {strings.metricsText}
        </li>
        <li>
          {strings.player}: <code>{player}NAME/embed.html</code>
        </li>
        <li>
          {strings.manual}: {strings.manualText}
        </li>
      </ul>
    </section>
  );
}

interface Library {
  name: string;
  version: string;
  identifier: string;
  text: string;
}

/** Written by the build, of what it bundled. */
async function fetchLibraries(): Promise<Library[]> {
  const response = await fetch("assets/licences.json", { cache: "no-cache" });
  const found: unknown = response.ok ? await response.json() : null;
  if (!Array.isArray(found)) throw new Error("no list");
  return found
    .map(fields)
    .map((raw) => ({
      name: text(raw["name"]) ?? "?",
      version: text(raw["version"]) ?? "",
      identifier: text(raw["identifier"]) ?? "",
      text: text(raw["text"]) ?? "",
    }))
    .sort((a, b) => a.name.localeCompare(b.name));
}

function Libraries() {
  const [libraries, setLibraries] = useState<Library[] | null>(null);
  const [isLost, setLost] = useState(false);
  useEffect(() => void fetchLibraries().then(setLibraries, () => setLost(true)), []);
  return (
    <section aria-labelledby="licences">
      <h2 id="licences">{strings.licence}</h2>
      <p>{strings.licenceText}</p>
      <h2 id="libraries">{strings.libraries}</h2>
      <p class="note">{isLost ? strings.librariesLost : strings.librariesText}</p>
      {libraries?.map((library) => (
        <details key={library.name} class="library">
          <summary>
            {library.name} {library.version}, {library.identifier}
          </summary>
          <pre tabIndex={0}>{library.text}</pre>
        </details>
      ))}
    </section>
  );
}

export function AboutPage() {
  const { value, fromMs, problem } = useWatched("config/stats", read);
  return (
    <>
      <Title text={strings.title} liveMs={null} />
      <Gate problem={problem} fromMs={fromMs}>
        {value && <Facts {...value} />}
        <Links />
        <Libraries />
      </Gate>
    </>
  );
}
