// The pages about media, fetched together: whoever opens one soon opens the others.

export { SessionsPage } from "../sessions/page";
export { EditStreamPage, NewStreamPage } from "./form";
export { StreamsPage } from "./page";
export { StreamPage } from "./stream_page";
