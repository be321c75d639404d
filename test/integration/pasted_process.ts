// A program in a session of its own, as a user's shell runs it. npx and shells pass no signal on, so all of its
// processes are ended together.
// Invariant: when stop() or ends() has resolved, none of them is left. They end, too, when the process that started
// them ends, however it does.
import assert from "node:assert/strict";

const WAIT_MS = 120_000;
const POLL_MS = 100;
/** A broker takes a few seconds. */
const STOP_MS = 20_000;
/** Ends the group once standard input is closed, then runs the program without it. */
const GUARDED = `exec 3<&0 </dev/null
(trap '' TERM; read -r <&3; kill -TERM 0; sleep 20; kill -KILL 0) >/dev/null 2>&1 &
exec 3<&- "$@"`;

export interface PastedProcessOptions {
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
}

/** A program that runs, with all that it has started. */
export class PastedProcess {
  readonly #child: Deno.ChildProcess;
  readonly #readers: Promise<unknown>;
  /** Resolves once it has ended, and nothing holds its outputs open. */
  readonly #ended: Promise<number>;
  #out = "";
  #complaints = "";
  #isEnded = false;
  #isFinished = false;

  constructor(
    program: string,
    args: readonly string[],
    options: PastedProcessOptions,
  ) {
    this.#child = new Deno.Command("setsid", {
      args: ["bash", "-c", GUARDED, "bash", program, ...args],
      ...options,
      // Held open: it closes when this process ends.
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    const { stdout, stderr, status } = this.#child;
    this.#readers = Promise.all([
      this.#read(stdout, (text) => this.#out += text),
      this.#read(stderr, (text) => this.#complaints += text),
    ]);
    this.#ended = status.then(async ({ code }) => {
      this.#isEnded = true;
      await this.#readers;
      return code;
    });
  }

  get pid(): number {
    return this.#child.pid;
  }

  /** What it wrote to standard output so far. */
  get out(): string {
    return this.#out;
  }

  /** What it wrote to standard error so far. */
  get complaints(): string {
    return this.#complaints;
  }

  /** Both. */
  get text(): string {
    return this.#out + this.#complaints;
  }

  /** Resolves once `isTrue`; rejects where the program ends before that. */
  async until(
    isTrue: () => boolean | Promise<boolean>,
    waitMs = WAIT_MS,
  ): Promise<void> {
    const endMs = Date.now() + waitMs;
    while (!await isTrue()) {
      assert.ok(!this.#isEnded, this.text);
      assert.ok(Date.now() < endMs, this.text);
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
  }

  /** Its exit code, once it has ended by itself. It is ended when the time is up. */
  async ends(waitMs = WAIT_MS): Promise<number> {
    const timer = setTimeout(() => this.#signal("SIGKILL"), waitMs);
    try {
      return await this.#ended;
    } finally {
      clearTimeout(timer);
      await this.#finish();
    }
  }

  /** Ends all of them: SIGTERM, then SIGKILL when the time is up. */
  async stop(): Promise<void> {
    this.#signal("SIGTERM");
    await this.ends(STOP_MS);
  }

  /** Ends what is left of the group: at least what guards it, so that its id is not yet another group's. */
  async #finish(): Promise<void> {
    this.#signal("SIGKILL");
    this.#isFinished = true;
    await this.#ended;
    // It may have been closed by the end of the guard.
    await this.#child.stdin.close().catch(() => {});
  }

  #signal(name: Deno.Signal): void {
    // Another group may have its id by now.
    if (this.#isFinished) return;
    try {
      Deno.kill(-this.#child.pid, name);
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }

  async #read(
    stream: ReadableStream<Uint8Array>,
    take: (text: string) => void,
  ): Promise<void> {
    const decoder = new TextDecoder();
    for await (const part of stream) {
      take(decoder.decode(part, { stream: true }));
    }
  }
}
