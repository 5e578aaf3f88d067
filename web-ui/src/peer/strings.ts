// The words of what is told of a peer around its form: fetched with that page.

export const peerStrings = {
  history: "Last hour, times in UTC",
  noHistory: "This node keeps no history of it.",
  noSamples: "It was not heard in the last hour.",
  historyFailed: (problem: string) => `Its history could not be read: ${problem}.`,
  loads: "CPU and memory",
  cpu: "CPU",
  memory: "Memory",
  output: "Output",
  clients: "Clients",
  fetch: "Time to answer",
  milliseconds: (ms: string) => `${ms} ms`,
  lastError: "Last error",
  errorAt: (error: string, ago: string) => `${error} (${ago})`,
  none: "none",

  changes: "Changes of state",
  noChanges: "Its state has not changed since this node started.",
  changeColumns: { at: "Time", state: "Status", reason: "Reason" },
};
