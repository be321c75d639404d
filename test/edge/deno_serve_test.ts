// `deno serve src/edge.ts`, with no permission flag at all unless a test says otherwise.
import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";

/** Serves on a free port until it is disposed of. */
class DenoServe implements AsyncDisposable {
  readonly url: string;
  readonly child: Deno.ChildProcess;
  readonly complaints: Promise<string>;
  readonly output: Promise<string>;

  constructor(
    { flags = [], env = {} }: {
      readonly flags?: readonly string[];
      readonly env?: Readonly<Record<string, string>>;
    } = {},
  ) {
    const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const { port } = listener.addr as Deno.NetAddr;
    listener.close();
    this.url = `http://127.0.0.1:${port}`;
    this.child = new Deno.Command(Deno.execPath(), {
      args: [
        "serve",
        "--no-prompt",
        "--no-check",
        "--host=127.0.0.1",
        `--port=${port}`,
        ...flags,
        "src/edge.ts",
      ],
      cwd: new URL("../..", import.meta.url),
      env,
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    this.complaints = new Response(this.child.stderr).text();
    this.output = new Response(this.child.stdout).text();
  }

  /** The answer to the first request that is accepted. */
  async get(path: string): Promise<Response> {
    for (let i = 0; i < 200; i++) {
      const answer = await fetch(`${this.url}${path}`).catch(() => null);
      if (answer !== null) return answer;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    this.child.kill("SIGKILL");
    assert.fail(await this.complaints);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.child.kill("SIGKILL");
    } catch {
      // It has ended.
    }
    await this.child.status;
    await this.complaints;
    await this.output;
  }
}

describe("src/edge.ts", () => {
  it("serves streams on Deno.serve without any permission flag", async () => {
    await using edge = new DenoServe();
    const response = await edge.get(
      "/v1/arrow?channels=H1:QANAT-COUNT_I64_16&duration=0.2",
    );
    assert.equal(response.status, 200);
    const bytes = new Uint8Array(await response.arrayBuffer());
    assert.deepEqual([...bytes.subarray(-8, -4)], [255, 255, 255, 255]);
    const metrics = await edge.get("/metrics");
    assert.equal(metrics.status, 200);
    await metrics.body?.cancel();
    edge.child.kill("SIGKILL");
    const lines = await edge.output;
    assert.match(lines, /"variables-not-readable"/);
    assert.match(lines, /"edge-started","source":"embedded"/);
    // Deno warns where the signal of a request is used: it aborts after each whole answer, too.
    const complaints = await edge.complaints;
    assert.ok(!complaints.includes("request.signal"), complaints);
  });

  it("reads the variables that it may read", async () => {
    await using edge = new DenoServe({
      flags: ["--allow-env=QANAT_KAFKA,QANAT_PORT"],
      env: { QANAT_KAFKA: "hunter2:9092" },
    });
    const answer = await edge.get("/v1/channels");
    assert.equal(answer.status, 500);
    assert.match(
      await answer.text(),
      /The settings of this instance are wrong/,
    );
    edge.child.kill("SIGKILL");
    const lines = await edge.output;
    assert.match(lines, /QANAT_KAFKA has no effect at the edge/);
    assert.ok(!lines.includes("hunter2"));
  });

  it("ends its streams at the first SIGTERM, and then the process", async () => {
    await using edge = new DenoServe();
    const response = await edge.get(
      "/v1/events?channels=H1:QANAT-COUNT_I64_16",
    );
    const reader = response.body!.pipeThrough(new TextDecoderStream())
      .getReader();
    let text = (await reader.read()).value ?? "";
    edge.child.kill("SIGTERM");
    for (;;) {
      const { value, done } = await reader.read();
      if (done) break;
      text += value;
    }
    assert.match(text, /event: end\ndata: \{"reason":"drain"\}/);
    const { code, signal } = await edge.child.status;
    assert.deepEqual({ code, signal }, { code: 0, signal: null });
  });
});
