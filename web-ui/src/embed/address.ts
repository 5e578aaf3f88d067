// What this page may play and how, from its own address and what the node wrote into it. Pure.

/** What the page knows at its start. */
export interface PageFacts {
  /** The page's own address. */
  href: string;
  /** `<meta name="watershed-stream">`: the stream's name; empty: taken from the address. */
  stream: string;
  /** `<meta name="watershed-entries">`: a JSON list of base URLs; empty: only this origin. */
  entries: string;
}

const PAGE = "/embed.html";
/** Parameters for this page or for the nodes on the way to it; never passed on. */
const OWN_PARAMETERS = new Set(["autoplay", "mute", "poster", "player", "redirect", "_via"]);

/** How the stream gets here: in segments, or as one endless answer. */
export type Transport = "hls" | "mpegts";

/** The last part of a stream's address, by transport. */
const OUTPUTS: Record<Transport, string> = { hls: "index.m3u8", mpegts: "mpegts" };

/** The stream's name: as the node wrote it, else the path before `/embed.html`. */
export function streamName({ href, stream }: Pick<PageFacts, "href" | "stream">): string {
  if (stream !== "") return stream;
  const path = new URL(href).pathname;
  return path.endsWith(PAGE) ? decodeSafely(path.slice(1, -PAGE.length)) : "";
}

function decodeSafely(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** Everything in front of `/NAME/embed.html`: the origin, and a sub-path if there is one. */
function ownBase(href: string, name: string): string {
  const { origin, pathname } = new URL(href);
  const end = `/${name}${PAGE}`;
  const path = decodeSafely(pathname);
  return origin + (path.endsWith(end) ? path.slice(0, -end.length) : "");
}

function parseEntries(text: string): string[] {
  let list: unknown;
  try {
    list = JSON.parse(text);
  } catch {
    return [];
  }
  if (!Array.isArray(list)) return [];
  return list.filter(
    (entry): entry is string => typeof entry === "string" && /^https?:\/\//.test(entry),
  );
}

/** The query without this page's own parameters, byte for byte: signed tokens must survive. */
export function forwardedQuery(search: string): string {
  const kept = search
    .replace(/^\?/, "")
    .split("&")
    .filter((part) => part !== "" && !OWN_PARAMETERS.has(part.split("=", 1)[0] ?? ""));
  return kept.length > 0 ? `?${kept.join("&")}` : "";
}

/** `/NAME/OUTPUT` and the query of this page, at `base`. */
function urlOf(facts: PageFacts, name: string, base: string, output: string): string {
  const path = name.split("/").map(encodeURIComponent).join("/");
  return `${base}/${path}/${output}${forwardedQuery(new URL(facts.href).search)}`;
}

/**
 * One URL of the stream an entry node, in the order to try them.
 *
 * The page's own origin is always among them, first if the node did not list it: it has just
 * served this page.
 */
export function mediaUrls(facts: PageFacts, transport: Transport = "hls"): string[] {
  const name = streamName(facts);
  if (name === "") return [];
  const own = ownBase(facts.href, name);
  const listed = parseEntries(facts.entries).map((entry) => entry.replace(/\/+$/, ""));
  const bases = new Set(listed.includes(own) ? listed : [own, ...listed]);
  return [...bases].map((base) => urlOf(facts, name, base, OUTPUTS[transport]));
}

const OFF = ["", "0", "false", "off", "no", "none"];

/**
 * The picture before the first frame: `?poster=` if it is of this page's own origin, else the
 * stream's last keyframe; null where switched off.
 *
 * No other origin: whoever links here must not make viewers' browsers ask a third party. The
 * content security policy refuses that, too.
 */
export function posterUrl(facts: PageFacts): string | null {
  const { origin, searchParams } = new URL(facts.href);
  const asked = searchParams.get("poster");
  if (asked !== null && OFF.includes(asked.toLowerCase())) return null;
  const wanted = asked !== null && URL.canParse(asked, facts.href) && new URL(asked, facts.href);
  if (wanted && wanted.origin === origin) return wanted.href;
  const name = streamName(facts);
  return name === "" ? null : urlOf(facts, name, ownBase(facts.href, name), "preview.jpg");
}

export interface Options {
  autoplay: boolean;
  mute: boolean;
  transport: Transport;
}

/**
 * `?autoplay=` is on unless switched off; `?mute=` is off unless switched on; `?player=mpegts`
 * plays MPEG-TS, anything else HLS.
 */
export function readOptions(search: string): Options {
  const params = new URLSearchParams(search);
  const isOn = (name: string, byDefault: boolean): boolean => {
    const value = params.get(name)?.toLowerCase();
    if (value === undefined) return byDefault;
    return value === "" || !OFF.includes(value);
  };
  return {
    autoplay: isOn("autoplay", true),
    mute: isOn("mute", false),
    transport: params.get("player") === "mpegts" ? "mpegts" : "hls",
  };
}
