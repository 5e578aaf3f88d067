// Asks before a page is left on which something would be lost. There while there is something.

import { useEffect, useRef, useState } from "preact/hooks";
import { guard } from "../router";
import { Confirmation } from "./confirmation";

interface LeavingProps {
  title: string;
  verb: string;
  /** What would be lost. */
  text: string;
}

export function Leaving({ title, verb, text }: LeavingProps) {
  const [target, setTarget] = useState<string | null>(null);
  const mayLeave = useRef(false);
  useEffect(() => {
    const askBrowser = (event: Event): void => event.preventDefault();
    addEventListener("beforeunload", askBrowser);
    guard((wanted) => {
      if (!mayLeave.current) setTarget(wanted);
      return mayLeave.current;
    });
    return () => {
      removeEventListener("beforeunload", askBrowser);
      guard(null);
    };
  }, []);
  if (target === null) return null;
  const leave = async (): Promise<void> => {
    mayLeave.current = true;
    location.replace(target);
  };
  return (
    <Confirmation title={title} verb={verb} act={leave} onClose={() => setTarget(null)}>
      <p>{text}</p>
    </Confirmation>
  );
}
