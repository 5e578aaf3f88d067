// What one person likes in one browser: colours and keyboard shortcuts. Stored locally, never sent.

import { effect, signal } from "@preact/signals";

export type Theme = "auto" | "light" | "dark";

const THEMES: readonly Theme[] = ["auto", "light", "dark"];

function load(name: string): string | null {
  try {
    return localStorage.getItem(`watershed.${name}`);
  } catch {
    return null; // Storage can be switched off; the page works without it.
  }
}

function store(name: string, value: string): void {
  try {
    localStorage.setItem(`watershed.${name}`, value);
  } catch {
    // As above: the choice then holds until the page is closed.
  }
}

export const theme = signal<Theme>(THEMES.find((known) => known === load("theme")) ?? "auto");

/** Single-key shortcuts can be switched off (WCAG 2.2, 2.1.4). */
export const shortcutsOn = signal(load("shortcuts") !== "off");

export function nextTheme(current: Theme): Theme {
  return THEMES[(THEMES.indexOf(current) + 1) % THEMES.length] ?? "auto";
}

/** Applies the choices to the document and keeps them; called once at the start. */
export function applyPreferences(): void {
  effect(() => {
    document.documentElement.dataset["theme"] = theme.value;
    store("theme", theme.value);
  });
  effect(() => store("shortcuts", shortcutsOn.value ? "on" : "off"));
}
