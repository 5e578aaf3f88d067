// How a refusal is handed on, quietly below what it says: the id that the node's log has for it,
// and all that is known of it, to be copied.

import type { ApiProblem } from "../api/http";
import { CopyDetails } from "../frame/notices";
import { strings } from "../strings";

export function Refusal({ problem }: { problem: ApiProblem }) {
  return (
    <p class="refusal">
      {problem.requestId && <span>{strings.requestId(problem.requestId)}</span>}
      <CopyDetails problem={problem} />
    </p>
  );
}
