// Stream: its picture, its numbers, where it comes from, who watches it, and what can be done.

import type { ComponentChild } from "preact";
import type { ApiProblem } from "../api/http";
import {
  listPath,
  readSessions,
  readStream,
  streamPath,
  type Input,
  type InputState,
  type Stream,
  type Track,
} from "../api/streams";
import { ownName } from "../cluster/store";
import {
  formatBitrate,
  formatBytes,
  formatCount,
  formatDuration,
  formatInstant,
  formatTime,
} from "../format";
import { Back } from "../frame/back";
import { Gate } from "../frame/gate";
import { Panel, Title } from "../frame/notices";
import { useWatched } from "../frame/watched";
import { linkTo } from "../router";
import { SessionTable } from "../sessions/page";
import { strings } from "../strings";
import { badge, missing, numberCell } from "../table/cells";
import type { SymbolName } from "../table/symbol";
import { Table, type Column } from "../table/table";
import { Actions } from "./actions";
import { outputPath } from "./addresses";
import { Charts } from "./charts";
import { lifetime, places, stateBadge } from "./columns";
import { Play } from "./play";
import { streamStrings } from "./strings";

/**
 * The player page, which finds the stream wherever it runs. Nothing is fetched before a click. Of a
 * peer's stream, too, it is this node's: this document's policy lets no other page in.
 */
function Player({ name }: { name: string }) {
  return (
    <iframe
      class="player"
      src={outputPath(name, "embed.html?autoplay=false&redirect=false")}
      title={strings.playerTitle(name)}
      allow="autoplay; fullscreen; picture-in-picture"
    />
  );
}

const ago = (ms: number): string =>
  strings.ago(ms < 1000 ? `${formatCount(ms)} ms` : formatDuration(ms / 1000));

function Facts({ stream }: { stream: Stream }) {
  // Most of a peer's stream is known to the peer only.
  const isRemote = stream.namedBy === "remote";
  const labels = strings.facts;
  const facts: [string, ComponentChild][] = [
    [labels.state, stateBadge(stream.state)],
    [labels.where, places(stream)],
    [labels.clients, numberCell(stream.clients, formatCount)],
    [labels.clientsSoFar, numberCell(stream.clientsSoFar, formatCount)],
    [streamStrings.relays, numberCell(stream.relays, formatCount)],
    [labels.lifetime, lifetime(stream)],
    [labels.lastFrame, numberCell(stream.delayMs, ago)],
    [labels.output, numberCell(stream.outputKbit, formatBitrate)],
    [labels.retries, numberCell(stream.retries, formatCount)],
    [labels.bytesIn, numberCell(stream.bytesIn, formatBytes)],
    [labels.bytesOut, numberCell(stream.bytesOut, formatBytes)],
  ];
  return (
    <div class="panel facts">
      <div class="bitrate">
        <p class="note">{labels.bitrate}</p>
        <p class="figure-value">
          {stream.state === "running" ? formatBitrate(stream.bitrateKbit) : missing}
        </p>
      </div>
      <dl>
        {facts
          .filter(([, value]) => !isRemote || value !== missing)
          .map(([label, value]) => (
            <div key={label}>
              <dt>{label}</dt>
              <dd>{value}</dd>
            </div>
          ))}
      </dl>
    </div>
  );
}

const INPUT_SYMBOLS: Record<InputState, SymbolName> = {
  running: "up",
  connecting: "late",
  waiting: "unknown",
  failed: "down",
  standby: "duplicate",
  unknown: "unknown",
};

const INPUT_COLUMNS: readonly Column<Input>[] = [
  {
    key: "url",
    label: strings.inputColumns.url,
    cell: ({ url }) => <span class="name-text">{url}</span>,
  },
  {
    key: "state",
    label: strings.columns.state,
    cell: ({ state, error }) => (
      <span class="state">
        {badge(INPUT_SYMBOLS[state], strings.inputStates[state])}
        {error && (
          <span class="details">{state === "failed" ? error : strings.lastError(error)}</span>
        )}
      </span>
    ),
  },
  {
    key: "bitrate",
    label: strings.inputColumns.bitrate,
    cell: ({ bitrateKbit }) => numberCell(bitrateKbit, formatBitrate),
  },
  {
    key: "lastFrame",
    label: strings.inputColumns.lastFrame,
    cell: ({ lastFrameAtMs }) => numberCell(lastFrameAtMs, formatInstant),
  },
  {
    key: "retries",
    label: strings.inputColumns.retries,
    cell: ({ retries }) => numberCell(retries, formatCount),
  },
  {
    key: "priority",
    label: strings.inputColumns.priority,
    cell: ({ priority }) => numberCell(priority, formatCount),
  },
];

const known = (...parts: (string | null)[]): ComponentChild =>
  parts.filter(Boolean).join(", ") || missing;

const TRACK_COLUMNS: readonly Column<Track>[] = [
  {
    key: "track",
    label: strings.trackColumns.track,
    cell: ({ id, content }) => <span class="name-text">{known(content ?? id)}</span>,
  },
  {
    key: "codec",
    label: strings.trackColumns.codec,
    cell: ({ codec }) => known(codec && codec.toUpperCase()),
  },
  {
    key: "form",
    label: strings.trackColumns.form,
    cell: ({ width, height, fps, channels, sampleRate, bitrateKbit, language }) =>
      known(
        width !== null && height !== null ? `${width} × ${height}` : null,
        fps !== null ? strings.fps(fps) : null,
        channels !== null ? strings.channels(channels) : null,
        sampleRate !== null ? strings.sampleRate(sampleRate) : null,
        bitrateKbit !== null ? formatBitrate(bitrateKbit) : null,
        language,
      ),
  },
];

function Inputs({ stream }: { stream: Stream }) {
  const { inputs: rows } = stream;
  return (
    <section>
      <h2>{strings.inputs}</h2>
      {stream.error && !rows.some(({ error }) => error) && (
        <p class="banner caution">
          <span aria-hidden="true">⚠</span> {stream.error}
        </p>
      )}
      {rows.length === 0 ? (
        <p class="note">{stream.namedBy === "remote" ? strings.remoteInputs : strings.noInputs}</p>
      ) : (
        <Table
          name="inputs"
          caption={strings.inputs}
          columns={INPUT_COLUMNS}
          rows={rows}
          keyOf={({ url }) => url}
        />
      )}
    </section>
  );
}

function Tracks({ tracks }: Stream) {
  return (
    <section>
      <h2>{strings.tracks}</h2>
      {tracks.length === 0 ? (
        <p class="note">{strings.noTracks}</p>
      ) : (
        <Table
          name="tracks"
          caption={strings.tracks}
          columns={TRACK_COLUMNS}
          rows={tracks}
          keyOf={({ id }) => id ?? ""}
        />
      )}
    </section>
  );
}

function StreamSessions({ name }: { name: string }) {
  const { value } = useWatched(
    listPath("sessions", {
      sort: "opened_at",
      isDescending: true,
      query: "",
      cursor: "",
      filters: { name },
    }),
    readSessions,
  );
  return (
    <section>
      <h2>{strings.sessions}</h2>
      <p class="note">{strings.sessionsOfThisNode}</p>
      {value && value.items.length > 0 && <SessionTable sessions={value.items} without="stream" />}
      {value && value.count > value.items.length && (
        <p>
          <a href={`#/sessions?q=${encodeURIComponent(name)}`}>
            {strings.allSessions(value.count)}
          </a>
        </p>
      )}
      {value?.items.length === 0 && <p>{strings.noStreamSessions}</p>}
    </section>
  );
}

function Content({ stream, fromMs }: { stream: Stream; fromMs: number }) {
  return (
    <>
      {stream.title && <p class="subtitle">{stream.title}</p>}
      <Actions stream={stream} />
      <div class="stage">
        <Player name={stream.name} />
        <Facts stream={stream} />
      </div>
      <Play name={stream.name} />
      <Charts stream={stream} fromMs={fromMs} />
      <Inputs stream={stream} />
      <Tracks {...stream} />
      <StreamSessions name={stream.name} />
    </>
  );
}

/** With which node it went and how long ago, where the node asked still knows. */
const lossOf = ({ code, message }: ApiProblem): string | null =>
  code === "stream_lost" ? `${message}.` : null;

interface GoneProps {
  stream: Stream;
  fromMs: number;
  problem: ApiProblem;
}

/** Above what was last known of it. */
function GoneBanner({ stream, fromMs, problem }: GoneProps) {
  const others = stream.runningOn.filter((node) => node !== ownName.value);
  const text =
    others.length > 0
      ? streamStrings.lostAt(others)
      : `${strings.streamGone} ${strings.streamGoneText}`;
  return (
    <p class="banner caution" role="alert">
      <span aria-hidden="true">⚠</span> {lossOf(problem) ?? text}{" "}
      {strings.lastData(formatTime(fromMs))}
    </p>
  );
}

function Gone({ problem }: { problem: ApiProblem }) {
  const loss = lossOf(problem);
  return (
    <Panel title={loss ? streamStrings.lost : strings.streamGone}>
      <p>{loss ?? strings.streamGoneText}</p>
      <a href={linkTo("streams")}>{strings.toStreams}</a>
    </Panel>
  );
}

export function StreamPage({ name }: { name: string }) {
  const { value: stream, fromMs, problem } = useWatched(streamPath(name), readStream);
  const gone = problem?.status === 404 ? problem : null;
  return (
    <>
      <Back href={linkTo("streams")}>{strings.streams}</Back>
      <Title text={name} liveMs={problem ? null : fromMs} />
      {gone && !stream ? (
        <Gone problem={gone} />
      ) : (
        <>
          {gone && stream && fromMs !== null && (
            <GoneBanner stream={stream} fromMs={fromMs} problem={gone} />
          )}
          <Gate problem={gone ? null : problem} fromMs={fromMs}>
            {stream && fromMs !== null && (
              <div class={gone ? "greyed" : undefined}>
                <Content stream={stream} fromMs={fromMs} />
              </div>
            )}
          </Gate>
        </>
      )}
    </>
  );
}
