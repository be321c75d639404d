// A process of plugin_host.cjs, which runs scenarios one after the other.
// Invariant: an answer belongs to the scenario that was asked last; when the process ends, the scenario that runs fails.
const HOST = new URL("./plugin_host.cjs", import.meta.url).pathname;

export class PluginHost {
  readonly #child: Deno.ChildProcess;
  readonly #writer: WritableStreamDefaultWriter<Uint8Array>;
  readonly #lines: ReadableStreamDefaultReader<string>;
  #rest = "";

  /** `packages`: folder whose node_modules has those of Grafana. */
  constructor(module: string, packages: string) {
    this.#child = new Deno.Command("node", {
      args: [
        ..."--expose-gc --max-old-space-size=512".split(" "),
        ...[HOST, module, packages],
      ],
      stdin: "piped",
      stdout: "piped",
      stderr: "inherit",
    }).spawn();
    this.#writer = this.#child.stdin.getWriter();
    this.#lines = this.#child.stdout.pipeThrough(
      new TextDecoderStream() as ReadableWritablePair<string, Uint8Array>,
    ).getReader();
  }

  /** Runs a scenario. Throws with its error when it fails. */
  async ask<T>(scenario: object): Promise<T> {
    const line = JSON.stringify(scenario) + "\n";
    await this.#writer.write(new TextEncoder().encode(line));
    const { answer, error } = JSON.parse(await this.#line());
    if (error !== undefined) throw new Error(error);
    return answer;
  }

  async close(): Promise<void> {
    try {
      this.#child.kill("SIGTERM");
    } catch {
      // It has ended.
    }
    await this.#child.status;
    await this.#lines.cancel();
    await this.#writer.close().catch(() => {});
  }

  async #line(): Promise<string> {
    for (;;) {
      const at = this.#rest.indexOf("\n");
      if (at >= 0) {
        const line = this.#rest.slice(0, at);
        this.#rest = this.#rest.slice(at + 1);
        return line;
      }
      const { done, value } = await this.#lines.read();
      if (done) throw new Error("The host of the plugin has ended");
      this.#rest += value;
    }
  }
}
