// The top bar: product, navigation to the pages that exist, theme, key list, sign-out.

import { useEffect } from "preact/hooks";
import { isReadOnly, learnSession, session } from "../api/http";
import { signOut } from "../cluster/store";
import { nextTheme, theme } from "../preferences";
import { strings } from "../strings";
import { openKeys } from "./keys_dialog";
import { GROUPS, leadsTo } from "./navigation";

/** Two slopes that part the water. */
function Mark() {
  return (
    <svg class="mark" viewBox="0 0 20 20" width="20" height="20" aria-hidden="true">
      <path d="M2 15 L10 4 L18 15" />
      <path d="M2 18.2 q2-1.6 4 0 t4 0 t4 0 t4 0" />
    </svg>
  );
}

/** Moves the focus without touching the hash, which belongs to the router. */
function skipToContent(event: Event): void {
  event.preventDefault();
  document.getElementById("content")?.focus();
}

/** There for those who came by the sign-in form; asks once who that is. */
function SignOut() {
  useEffect(() => void learnSession().catch(() => {}), []);
  const { token, user } = session.value ?? {};
  if (!token) return null;
  return (
    <button
      type="button"
      class="quiet"
      title={strings.signedInAs(user ?? "")}
      onClick={() => void signOut().catch(() => {})}
    >
      {strings.signOut}
    </button>
  );
}

export function Header({ path }: { path: string }) {
  return (
    <header class="bar">
      <a class="skip" href="#/" onClick={skipToContent}>
        {strings.skipLink}
      </a>
      <a class="brand" href="#/">
        <Mark />
        {strings.product}
      </a>
      <nav aria-label={strings.navigation}>
        {GROUPS.map(({ label, links }) => (
          <div key={label} class="nav-group" role="group" aria-label={label}>
            <span class="nav-label" aria-hidden="true">
              {label}
            </span>
            {links.map((link) => (
              <a key={link.path} href={`#${link.path}`} aria-current={leadsTo(link, path)}>
                {link.label}
              </a>
            ))}
          </div>
        ))}
      </nav>
      <div class="bar-end">
        <button type="button" class="quiet" onClick={() => (theme.value = nextTheme(theme.value))}>
          <svg viewBox="0 0 16 16" width="14" height="14" aria-hidden="true">
            <circle cx="8" cy="8" r="6.2" />
            <path d="M8 1.8a6.2 6.2 0 0 1 0 12.4z" />
          </svg>{" "}
          <span class="theme-label">{strings.theme} </span>
          {strings.themes[theme.value]}
        </button>
        <button type="button" class="quiet keys-button" onClick={openKeys}>
          {strings.keys} <kbd>?</kbd>
        </button>
        {isReadOnly.value && (
          <span class="tag" title={strings.readsOnly}>
            {strings.readOnly}
          </span>
        )}
        <SignOut />
      </div>
    </header>
  );
}
