// The frame around every page: skip link, header with navigation, the page itself, key list.

import type { ComponentChild } from "preact";
import { announcement } from "../cluster/store";
import { OverviewPage } from "../overview/page";
import { route } from "../router";
import { strings } from "../strings";
import { Header } from "./header";
import { KeysDialog } from "./keys_dialog";

/** Pages by path; a new page is a line here and one in the header. */
const PAGES: Record<string, () => ComponentChild> = {
  "/": () => <OverviewPage />,
};

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
  const page = PAGES[route.value.path];
  return (
    <>
      <Header path={route.value.path} />
      <main id="content" tabIndex={-1}>
        {page ? page() : <NotFound />}
      </main>
      <p class="hidden" role="status">
        {announcement.value}
      </p>
      <KeysDialog />
    </>
  );
}
