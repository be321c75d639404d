// `--workers 2`: sessions and tokens are the same in all workers. Invariant: after a sign-out was answered, no connection
// to any worker is let in by the cookie; a token that was removed from the file is refused by all within the same time.
import assert from "node:assert/strict";
import { after, before, describe, it } from "@std/testing/bdd";
import { tokenWith } from "../auth/auth_world.ts";
import { freePort, Process, sleep, startArgs } from "./chain.ts";

const CONNECTIONS = 20;
/** A second is promised; the machine is busy with other tests. */
const REVOKED_MAX_MS = 20_000;
const SAME_SITE = "sec-fetch-site: same-origin";

describe("sessions and tokens of two workers", () => {
  const alice = tokenWith("alice");
  const bob = tokenWith("bob");
  const port = freePort();
  let folder: string;
  let file: string;
  let qanat: Process;

  before(async () => {
    folder = await Deno.makeTempDir({ prefix: "qanat-sessions-" });
    file = `${folder}/tokens.json`;
    await write([alice.entry, bob.entry]);
    qanat = new Process("qanat", Deno.execPath(), [
      ...startArgs([`--allow-read=${folder},.`]),
      `--port=${port}`,
      "--workers=2",
      "--auth=tokens",
      `--auth-token-file=${file}`,
    ]);
    await qanat.says(/is serving on/);
  });

  after(async () => {
    await qanat?.stop();
    await Deno.remove(folder, { recursive: true });
  });

  async function write(tokens: readonly unknown[]): Promise<void> {
    await Deno.writeTextFile(`${file}.new`, JSON.stringify({ tokens }));
    await Deno.rename(`${file}.new`, file);
  }

  /** One request over a connection of its own, which reaches a worker by chance. */
  async function ask(
    path: string,
    { method = "GET", headers = [] }: {
      readonly method?: string;
      readonly headers?: readonly string[];
    } = {},
  ): Promise<{ status: number; head: string }> {
    using connection = await Deno.connect({ hostname: "127.0.0.1", port });
    const lines = [
      `${method} ${path} HTTP/1.0`,
      "host: 127.0.0.1",
      ...headers,
      "",
      "",
    ];
    await connection.write(new TextEncoder().encode(lines.join("\r\n")));
    const text = await new Response(connection.readable).text();
    const [head] = text.split("\r\n\r\n");
    return { status: Number(head!.split(" ")[1]), head: head! };
  }

  /** The different statuses of many connections. */
  async function statuses(headers: readonly string[]): Promise<number[]> {
    const answers = await Promise.all(
      Array.from(
        { length: CONNECTIONS },
        () => ask("/v1/channels/count", { headers }),
      ),
    );
    return [...new Set(answers.map(({ status }) => status))];
  }

  async function signIn(token: string): Promise<string[]> {
    const { status, head } = await ask("/v1/session", {
      method: "POST",
      headers: [SAME_SITE, `authorization: Bearer ${token}`],
    });
    assert.equal(status, 200, head);
    const [, cookie] = /^set-cookie: ([^;]+)/im.exec(head)!;
    return [SAME_SITE, `cookie: ${cookie}`];
  }

  it("a session that one has begun is known to both, and ended in both when the sign-out is answered", async () => {
    const session = await signIn(alice.token);
    assert.deepEqual(await statuses(session), [200]);
    const { status } = await ask("/v1/session", {
      method: "DELETE",
      headers: session,
    });
    assert.equal(status, 204);
    assert.deepEqual(await statuses(session), [401]);
  });

  it("a token that is removed from the file is refused by both, and its session as well", async () => {
    const session = await signIn(bob.token);
    const bearer = [`authorization: Bearer ${bob.token}`];
    assert.deepEqual(await statuses(bearer), [200]);
    await write([alice.entry]);
    const beganMs = performance.now();
    for (;;) {
      const found = [...await statuses(bearer), ...await statuses(session)];
      if (found.every((status) => status === 401)) break;
      assert.ok(performance.now() - beganMs < REVOKED_MAX_MS, found.join());
      await sleep(100);
    }
    const others = [`authorization: Bearer ${alice.token}`];
    assert.deepEqual(await statuses(others), [200]);
  });
});
