// Stops a process that npm or npx has started when that parent ends: a signal ends npm without reaching its child.
// Invariant: a parent that ends before the service serves is ignored, since launchers of daemons end on purpose.

const EVERY_MS = 1000;

export interface ParentWatchOptions {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly parentPid: () => number;
  /** Calls at this interval until it is closed. */
  readonly every: (call: () => void, ms: number) => { close(): void };
  /** Called once. */
  readonly onGone: () => void;
}

/** Watches the parent of this process. Create it when the process starts. */
export class ParentWatch {
  readonly #options: ParentWatchOptions;
  readonly #parentPid: number;
  #timer: { close(): void } | null = null;

  constructor(options: ParentWatchOptions) {
    this.#options = options;
    this.#parentPid = options.parentPid();
  }

  /** Starts to watch. Call it when the service serves. */
  begin(): void {
    const { env, parentPid, every, onGone } = this.#options;
    // Under systemd, in a container, or with `nohup deno run …` the service outlives its parent.
    if (env["npm_execpath"] === undefined) return;
    if (this.#parentPid <= 1 || parentPid() !== this.#parentPid) return;
    this.#timer = every(() => {
      if (parentPid() === this.#parentPid) return;
      this.close();
      onGone();
    }, EVERY_MS);
  }

  /** Idempotent. */
  close(): void {
    this.#timer?.close();
    this.#timer = null;
  }
}
