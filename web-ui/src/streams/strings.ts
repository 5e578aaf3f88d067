// The words of what befalls one stream's page: fetched with that page.

export const streamStrings = {
  playerBlocked: "This page was loaded before that node was a peer.",
  reloadPage: "Reload the page",
};
