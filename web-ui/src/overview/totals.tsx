// The four figures on top: peers up, clients, streams, output; sums over fresh numbers only.

import type { ComponentChild } from "preact";
import { peersNotUp, totals } from "../cluster/store";
import type { Totals } from "../cluster/rows";
import { formatBitrate, formatCount } from "../format";
import { strings } from "../strings";

interface FigureProps {
  label: string;
  value: ComponentChild;
  note?: string | undefined;
  tone?: string | undefined;
  hint?: string | undefined;
}

function Figure({ label, value, note, tone, hint }: FigureProps) {
  return (
    <div class="figure">
      <dt>{label}</dt>
      <dd>
        <span class="figure-value">{value}</span>
        <span class={`note ${tone ?? ""}`} title={hint}>
          {note ?? "\u00a0"}
        </span>
      </dd>
    </div>
  );
}

function peersNote({ peers, peersUp }: Totals): string {
  if (peers === 0) return strings.totalsNone;
  return peersUp === peers ? strings.allUp : strings.notUp(peers - peersUp);
}

export function TotalsBar() {
  const sums = totals.value;
  if (!sums) return null;
  const labels = strings.totals;
  const excludes = sums.excluded > 0 ? strings.excludes(sums.excluded) : undefined;
  const excludesHint = excludes && strings.excludesHint;
  return (
    <dl class="totals" aria-label={strings.totalsLabel}>
      <Figure
        label={labels.peers}
        value={
          <>
            {sums.peersUp}
            <span class="of"> / {sums.peers}</span>
          </>
        }
        note={peersNote(sums)}
        tone={peersNotUp.value > 0 ? "bad" : ""}
      />
      <Figure
        label={labels.clients}
        value={formatCount(sums.clients)}
        note={excludes}
        hint={excludesHint}
      />
      <Figure
        label={labels.streams}
        value={formatCount(sums.streams)}
        note={excludes}
        hint={excludesHint}
      />
      <Figure
        label={labels.output}
        value={formatBitrate(sums.outputKbit)}
        hint={excludesHint}
        note={
          excludes ??
          (sums.inputKbit === null ? undefined : strings.inputTotal(formatBitrate(sums.inputKbit)))
        }
      />
    </dl>
  );
}
