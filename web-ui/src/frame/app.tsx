// The frame around every page: skip link, header with navigation, the page itself, key list.

import type { ComponentChild } from "preact";
import { announcement } from "../cluster/store";
import { OverviewPage } from "../overview/page";
import { matchPath, route } from "../router";
import { strings } from "../strings";
import { Header } from "./header";
import { KeysDialog } from "./keys_dialog";

type Page = (parts: Record<string, string>) => ComponentChild;

/** Pages by the form of their path; those in the top bar have a line in `navigation.ts`, too. */
const PAGES: Record<string, Page> = {
  "/": () => <OverviewPage />,
};

function pageOf(path: string): ComponentChild {
  for (const [pattern, page] of Object.entries(PAGES)) {
    const parts = matchPath(pattern, path);
    if (parts) return page(parts);
  }
  return <NotFound />;
}

function NotFound() {
  return (
    <div class="panel">
      <h1>{strings.notFound}</h1>
      <p>
        <a href="#/">{strings.toOverview}</a>
      </p>
    </div>
  );
}

export function App() {
  return (
    <>
      <Header path={route.value.path} />
      <main id="content" tabIndex={-1}>
        {pageOf(route.value.path)}
      </main>
      <p class="hidden" role="status">
        {announcement.value}
      </p>
      <KeysDialog />
    </>
  );
}
