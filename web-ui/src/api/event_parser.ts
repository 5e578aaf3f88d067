// Reads an event stream (HTML Standard, 9.2.6): text in, as it comes; whole events out.
//
// `EventSource` cannot carry this module's way of signing in, nor say why it was refused.

export interface ServerEvent {
  name: string;
  data: string;
}

/** An event longer than this is none of our node's. */
const EVENT_CHARS_MAX = 16 << 20;

export class EventParser {
  private rest = "";
  private name = "";
  private data: string[] = [];

  /** The events that `text` completes. Comments, ids and unknown fields are left out. */
  push(text: string): ServerEvent[] {
    const lines = (this.rest + text).split(/\r\n|\n|\r(?!$)/);
    this.rest = lines.pop() ?? "";
    if (this.rest.length > EVENT_CHARS_MAX) throw new RangeError("an event without an end");
    return lines.flatMap((line) => this.take(line) ?? []);
  }

  private take(line: string): ServerEvent | null {
    if (line === "") return this.finish();
    const [, field, value = ""] = /^([^:]*)(?:: ?(.*))?$/s.exec(line) ?? [];
    if (field === "event") this.name = value;
    else if (field === "data") this.data.push(value);
    return null;
  }

  private finish(): ServerEvent | null {
    const event = { name: this.name || "message", data: this.data.join("\n") };
    const isEmpty = this.data.length === 0;
    this.name = "";
    this.data = [];
    return isEmpty ? null : event;
  }
}
