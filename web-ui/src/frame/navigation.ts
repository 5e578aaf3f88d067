// The pages that the top bar leads to, in groups; a page that exists is a line here.

import { strings } from "../strings";

export interface Link {
  path: string;
  label: string;
  /** Pressed after `g`, it leads there. */
  key: string;
}

export interface Group {
  label: string;
  links: Link[];
}

export const GROUPS: readonly Group[] = [
  {
    label: strings.groups.cluster,
    links: [
      { path: "/", label: strings.overview, key: "o" },
      { path: "/settings", label: strings.settings, key: "s" },
    ],
  },
  {
    label: strings.groups.media,
    links: [
      { path: "/streams", label: strings.streams, key: "t" },
      { path: "/files", label: strings.files, key: "f" },
      { path: "/sessions", label: strings.sessions, key: "n" },
    ],
  },
  {
    label: strings.groups.node,
    links: [
      { path: "/config", label: strings.config, key: "c" },
      { path: "/api", label: strings.api, key: "a" },
      { path: "/about", label: strings.about, key: "b" },
    ],
  },
];

/** Is `path` the page of `link`, or a page below it? */
export function leadsTo(link: Link, path: string): "page" | "true" | undefined {
  if (path === link.path) return "page";
  return link.path !== "/" && path.startsWith(`${link.path}/`) ? "true" : undefined;
}
