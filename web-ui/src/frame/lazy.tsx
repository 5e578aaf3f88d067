// A page whose script is fetched when it is first shown, so that the overview comes up at once.

import type { ComponentType } from "preact";
import { useEffect, useState } from "preact/hooks";
import { strings } from "../strings";
import { Panel, Waiting } from "./notices";

/** `load` fetches once; the browser keeps modules that it has. */
export function lazy<Props extends object>(
  load: () => Promise<ComponentType<Props>>,
): ComponentType<Props> {
  return function Lazy(props: Props) {
    const [Page, setPage] = useState<ComponentType<Props> | null>(null);
    const [isLost, setLost] = useState(false);
    useEffect(
      () =>
        void load().then(
          (found) => setPage(() => found),
          () => setLost(true),
        ),
      [],
    );
    if (Page) return <Page {...props} />;
    return isLost ? <Lost /> : <Waiting />;
  };
}

/** No connection, or another version of this node, whose scripts have other names. */
function Lost() {
  return (
    <div role="alert">
      <Panel title={strings.pageLost}>
        <p>{strings.pageLostText}</p>
        <button type="button" onClick={() => location.reload()}>
          {strings.reload}
        </button>
      </Panel>
    </div>
  );
}
