// Ends a process that npm or npx has started once its parent has gone: they end by a signal without passing it on.
// Invariant: only a parent that was there when the service began to serve is missed. One that left before is a launcher
// of daemons, and left on purpose.

const EVERY_MS = 1000;

export interface ParentWatchOptions {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly parentPid: () => number;
  /** Calls at an interval until it is closed. */
  readonly every: (call: () => void, ms: number) => { close(): void };
  /** Called once. */
  readonly onGone: () => void;
}

/** Watches the parent of this process. Made as the process starts. */
export class ParentWatch {
  readonly #options: ParentWatchOptions;
  readonly #parentPid: number;
  #timer: { close(): void } | null = null;

  constructor(options: ParentWatchOptions) {
    this.#options = options;
    this.#parentPid = options.parentPid();
  }

  /** The service serves from now on. */
  begin(): void {
    const { env, parentPid, every, onGone } = this.#options;
    // Under systemd, in a container, or by `nohup deno run …` nobody has gone whatever the parent does.
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
