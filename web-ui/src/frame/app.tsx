// The frame around every page: skip link, header with navigation, the page itself, key list.

import type { ComponentChild } from "preact";
import { announcement } from "../cluster/store";
import { OverviewPage } from "../overview/page";
import { matchPath, route } from "../router";
import { strings } from "../strings";
import { Header } from "./header";
import { KeysDialog } from "./keys_dialog";
import { lazy } from "./lazy";

const settings = () => import("../settings/pages");
const SettingsPage = lazy(async () => (await settings()).SettingsPage);
const PeerPage = lazy(async () => (await settings()).PeerPage);

const media = () => import("../streams/pages");
const StreamsPage = lazy(async () => (await media()).StreamsPage);
const StreamPage = lazy(async () => (await media()).StreamPage);
const NewStreamPage = lazy(async () => (await media()).NewStreamPage);
const EditStreamPage = lazy(async () => (await media()).EditStreamPage);
const SessionsPage = lazy(async () => (await media()).SessionsPage);

const ConfigPage = lazy(async () => (await import("../config/page")).ConfigPage);
const ReferencePage = lazy(async () => (await import("../reference/page")).ReferencePage);
const AboutPage = lazy(async () => (await import("../about/page")).AboutPage);

const files = () => import("../files/pages");
const FilesPage = lazy(async () => (await files()).FilesPage);
const FolderPage = lazy(async () => (await files()).FolderPage);
const NewVodPage = lazy(async () => (await files()).NewVodPage);
const EditVodPage = lazy(async () => (await files()).EditVodPage);

type Page = (parts: Record<string, string>) => ComponentChild;

/** Pages by the form of their path; those in the top bar have a line in `navigation.ts`, too. */
const PAGES: Record<string, Page> = {
  "/": () => <OverviewPage />,
  "/streams": () => <StreamsPage />,
  "/streams/-": () => <NewStreamPage />, // No stream can have that name.
  "/streams/:name": ({ name = "" }) => <StreamPage key={name} name={name} />,
  "/streams/:name/edit": ({ name = "" }) => <EditStreamPage key={name} name={name} />,
  "/files": () => <FilesPage />,
  "/files/-": () => <NewVodPage />, // No collection can have that prefix.
  "/files/:prefix": ({ prefix = "" }) => <FolderPage key={prefix} prefix={prefix} />,
  "/files/:prefix/edit": ({ prefix = "" }) => <EditVodPage key={prefix} prefix={prefix} />,
  "/sessions": () => <SessionsPage />,
  "/settings": () => <SettingsPage />,
  "/peers/:hostname": ({ hostname = "" }) => <PeerPage key={hostname} hostname={hostname} />,
  "/config": () => <ConfigPage />,
  "/api": () => <ReferencePage />,
  "/about": () => <AboutPage />,
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
