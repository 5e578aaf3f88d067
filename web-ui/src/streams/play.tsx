// The addresses that a stream is played by, to be copied into a player.

import { useEffect, useRef, useState } from "preact/hooks";
import { getJson } from "../api/http";
import { strings } from "../strings";
import { addressesOf, type Address } from "./addresses";
import { streamStrings } from "./strings";

function Row({ label, url }: Address) {
  const address = useRef<HTMLElement>(null);
  const [verb, setVerb] = useState(strings.copy);
  const copy = async (): Promise<void> => {
    try {
      await navigator.clipboard.writeText(url);
      setVerb(strings.copied);
    } catch {
      // The clipboard exists only on https and on loopback: elsewhere the text is left selected.
      if (address.current) getSelection()?.selectAllChildren(address.current);
      setVerb(streamStrings.selected);
    }
  };
  return (
    <div>
      <dt>{label}</dt>
      <dd>
        <code ref={address}>{url}</code>
        <button type="button" onClick={copy}>
          {verb} <span class="hidden">{label}</span>
        </button>
      </dd>
    </div>
  );
}

export function Play({ name }: { name: string }) {
  const [config, setConfig] = useState<unknown>(null);
  useEffect(() => {
    const stop = new AbortController();
    // Without it there are addresses all the same.
    void getJson("config", stop.signal).then(setConfig, () => undefined);
    return () => stop.abort();
  }, []);
  return (
    <section>
      <h2>{streamStrings.play}</h2>
      <p class="note">{streamStrings.playNote}</p>
      <dl class="panel addresses">
        {addressesOf(name, document.baseURI, config).map((address) => (
          <Row key={address.url} {...address} />
        ))}
      </dl>
    </section>
  );
}
