// A small picture of a stream, while its row is in sight; an empty place where there is none.

import { useEffect, useRef, useState } from "preact/hooks";
import { strings } from "../strings";
import { PICTURE_MS, hasPictures, mayAsk, picturePath } from "./previews";

/** So that not all rows ask at once. */
const SPREAD_MS = 3000;

/** The newest address to ask, from when `box` is in sight. */
function useAddress(name: string, box: { current: Element | null }): string | null {
  const [address, setAddress] = useState<string | null>(null);
  const isProven = hasPictures.value;
  const dueMs = useRef(0);
  const hasAsked = useRef(false);
  useEffect(() => {
    // The node has shown one of another row: this one need not wait any more.
    if (isProven && !hasAsked.current) dueMs.current = Date.now() + Math.random() * SPREAD_MS;
    let isSeen = false;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const ask = (): void => {
      const nowMs = Date.now();
      dueMs.current = nowMs + PICTURE_MS + Math.random() * SPREAD_MS;
      if (mayAsk(nowMs)) {
        hasAsked.current = true;
        setAddress(picturePath(name, nowMs));
      }
      schedule();
    };
    const schedule = (): void => {
      clearTimeout(timer);
      if (isSeen && !document.hidden) timer = setTimeout(ask, dueMs.current - Date.now());
    };
    const observer = new IntersectionObserver((entries) => {
      isSeen = entries.at(-1)?.isIntersecting ?? false;
      schedule();
    });
    if (box.current) observer.observe(box.current);
    document.addEventListener("visibilitychange", schedule);
    return () => {
      clearTimeout(timer);
      observer.disconnect();
      document.removeEventListener("visibilitychange", schedule);
    };
  }, [name, isProven]);
  return address;
}

export function Picture({ name }: { name: string }) {
  const box = useRef<HTMLSpanElement>(null);
  const address = useAddress(name, box);
  const [isShown, setShown] = useState(false);
  return (
    <span class="picture" ref={box}>
      {address && (
        <img
          src={address}
          alt={strings.pictureOf(name)}
          hidden={!isShown}
          onLoad={() => {
            hasPictures.value = true;
            setShown(true);
          }}
          onError={() => setShown(false)}
        />
      )}
    </span>
  );
}
