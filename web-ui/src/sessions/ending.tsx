// Asks before a session is ended, and ends it.

import { ApiProblem, send } from "../api/http";
import { sessionPath, type Session } from "../api/streams";
import { announcement, retry } from "../cluster/store";
import { Confirmation } from "../form/confirmation";
import { strings } from "../strings";

export function Ending({ session, onClose }: { session: Session; onClose: () => void }) {
  const end = async (): Promise<void> => {
    try {
      await send(sessionPath(session.id), { method: "DELETE" });
    } catch (error) {
      // It has ended by itself meanwhile.
      if (!(error instanceof ApiProblem) || error.status !== 404) throw error;
    }
    announcement.value = strings.sessionEnded;
    retry();
  };
  return (
    <Confirmation title={strings.endTitle} verb={strings.end} act={end} onClose={onClose}>
      <p>{strings.endText(session)}</p>
      <p class="note">{strings.endNote}</p>
    </Confirmation>
  );
}
