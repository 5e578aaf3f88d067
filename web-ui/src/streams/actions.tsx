// What can be done with a stream of this node: edit, stop, delete. Others are their own node's.

import { useState } from "preact/hooks";
import { send } from "../api/http";
import { streamPath, type Stream } from "../api/streams";
import { announcement, retry } from "../cluster/store";
import { Confirmation } from "../form/confirmation";
import { Deed } from "../frame/deed";
import { linkTo } from "../router";
import { strings } from "../strings";

type Question = "stop" | "delete";

interface AskProps {
  stream: Stream;
  question: Question;
  onClose: () => void;
}

function Ask({ stream: { name, clients, isStatic, namedBy }, question, onClose }: AskProps) {
  const act = async (): Promise<void> => {
    if (question === "stop") {
      await send(`${streamPath(name)}/stop`, { method: "POST" });
      announcement.value = strings.streamStopped(name);
      retry();
    } else {
      await send(streamPath(name), { method: "DELETE" });
      announcement.value = strings.streamDeleted(name);
      location.hash = linkTo("streams");
    }
  };
  const restarts = isStatic && namedBy === "config";
  return (
    <Confirmation
      title={strings.askTitle[question](name)}
      verb={strings.verbs[question]}
      act={act}
      onClose={onClose}
    >
      <p>{question === "stop" ? strings.stopMeans(restarts) : strings.deleteMeans}</p>
      <p>{strings.clientsThere(clients)}</p>
    </Confirmation>
  );
}

export function Actions({ stream }: { stream: Stream }) {
  const [question, setQuestion] = useState<Question | null>(null);
  if (stream.namedBy === "remote") {
    return <p class="note deeds">{strings.remoteStream(stream.heldBy)}</p>;
  }
  return (
    <div class="actions deeds">
      {stream.namedBy === "config" && (
        <Deed class="button" href={linkTo("streams", stream.name, "edit")}>
          {strings.edit}
        </Deed>
      )}
      <Deed onClick={() => setQuestion("stop")}>{strings.verbs.stop}</Deed>
      {stream.namedBy === "config" && (
        <Deed class="danger" onClick={() => setQuestion("delete")}>
          {strings.verbs.delete}
        </Deed>
      )}
      {stream.namedBy === "user" && <span class="note">{strings.publishedStream}</span>}
      {question && <Ask stream={stream} question={question} onClose={() => setQuestion(null)} />}
    </div>
  );
}
