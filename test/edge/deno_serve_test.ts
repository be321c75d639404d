// `deno serve src/edge.ts` with no permission flag at all.
import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";

describe("src/edge.ts", () => {
  it("serves streams on Deno.serve without any permission flag", async () => {
    const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const { port } = listener.addr as Deno.NetAddr;
    listener.close();
    const child = new Deno.Command(Deno.execPath(), {
      args: [
        "serve",
        "--no-prompt",
        "--no-check",
        "--host",
        "127.0.0.1",
        "--port",
        String(port),
        "src/edge.ts",
      ],
      cwd: new URL("../..", import.meta.url),
      stdin: "null",
      stdout: "null",
      stderr: "piped",
    }).spawn();
    const complaints = new Response(child.stderr).text();
    const url = `http://127.0.0.1:${port}`;
    try {
      let response: Response | undefined;
      for (let i = 0; i < 200 && !response; i++) {
        response = await fetch(
          `${url}/v1/arrow?channels=H1:QANAT-COUNT_I64_16&duration=0.2`,
        ).catch(() => undefined);
        if (!response) await new Promise((resolve) => setTimeout(resolve, 50));
      }
      if (!response) {
        child.kill("SIGKILL");
        assert.fail(await complaints);
      }
      assert.equal(response.status, 200);
      const bytes = new Uint8Array(await response.arrayBuffer());
      assert.deepEqual([...bytes.subarray(-8, -4)], [255, 255, 255, 255]);
      const metrics = await fetch(`${url}/metrics`);
      assert.equal(metrics.status, 200);
      await metrics.body?.cancel();
    } finally {
      try {
        child.kill("SIGKILL");
      } catch {
        // It has ended.
      }
      await child.status;
      await complaints;
    }
  });
});
