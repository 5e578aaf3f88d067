// What tests see of the writes to a node, and how they have one refused.

import type { IncomingMessage } from "node:http";
import type { Answer } from "./mock_node";

export class Writes {
  /** Each of them: method, path, body. */
  readonly log: string[] = [];
  /** Answers the next one, instead of doing it. */
  nextRefusal: Answer | null = null;

  /** Notes it if it is one, and refuses it if it is to be. */
  protected refused({ method }: IncomingMessage, path: string, body: unknown): Answer | null {
    if (method === "GET") return null;
    this.log.push(`${method} ${path} ${body === null ? "" : JSON.stringify(body)}`.trim());
    const refusal = this.nextRefusal;
    this.nextRefusal = null;
    return refusal;
  }
}
