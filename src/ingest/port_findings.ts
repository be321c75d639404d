// What all threads have found out about topics, in a thread that serves clients: the reading thread sends it.
import type { SharedFindings } from "../source/source.ts";
import type { Findings } from "./topic_findings.ts";

export interface PortFindingsOptions {
  /** Sends what this thread, which counts a topic's blocks, has found. */
  readonly sendLive: (topic: string, isLive: boolean) => void;
}

export class PortFindings implements SharedFindings {
  readonly #options: PortFindingsOptions;
  readonly #live = new Map<string, boolean>();
  #failing: ReadonlySet<string> = new Set();

  constructor(options: PortFindingsOptions) {
    this.#options = options;
  }

  isLive(topic: string): boolean | undefined {
    return this.#live.get(topic);
  }

  setLive(topic: string, isLive: boolean): void {
    this.#options.sendLive(topic, isLive);
  }

  historyFails(topic: string): boolean {
    return this.#failing.has(topic);
  }

  /** Takes what the reading thread has sent. */
  received({ live, failing }: Findings): void {
    for (const [topic, isLive] of live) {
      if (isLive === null) this.#live.delete(topic);
      else this.#live.set(topic, isLive);
    }
    if (failing !== null) this.#failing = new Set(failing);
  }
}
