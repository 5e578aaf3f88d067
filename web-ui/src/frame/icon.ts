// The tab's icon: the mark while all is well, the number of peers that are not up otherwise.

import { effect } from "@preact/signals";
import { peersNotUp, trouble } from "../cluster/store";

function drawIcon(notUp: number, isCutOff: boolean): string {
  const label = isCutOff ? "!" : notUp > 9 ? "9+" : String(notUp);
  const isWell = notUp === 0 && !isCutOff;
  const inner = isWell
    ? '<path d="M7 22 16 8l9 14" fill="none" stroke="#fff" stroke-width="3"/>'
    : `<text x="16" y="23" font-family="sans-serif" font-weight="700" font-size="19"
        text-anchor="middle" fill="#fff">${label}</text>`;
  const ground = isWell ? "#1d6f8f" : "#b3161b";
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32"
    rx="7" fill="${ground}"/>${inner}</svg>`;
}

/** Keeps the icon in step with the cluster; called once at the start. */
export function followIcon(): void {
  effect(() => {
    const link = document.querySelector<HTMLLinkElement>('link[rel="icon"]');
    const svg = drawIcon(peersNotUp.value, trouble.value !== null);
    if (link) link.href = `data:image/svg+xml,${encodeURIComponent(svg)}`;
  });
}
