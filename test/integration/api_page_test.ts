// /docs in Chromium, below a base path: it shows the API, and the console stays empty under its strict policy.
import assert from "node:assert/strict";
import { after, before, describe, it } from "@std/testing/bdd";
import { canRun } from "../../scripts/optional_parts.ts";
import { launchQanat, PARTS, type Process } from "./chain.ts";

/** The time that has passed for the page; it runs as fast as possible. */
const PAGE_MS = 10_000;
const RUN_MS = 60_000;
const runnable = canRun([PARTS.chromium]);

describe("/docs", { ignore: !runnable, skip: !runnable }, () => {
  let qanat: Process;
  let url: string;
  let profile: string;

  before(async () => {
    profile = await Deno.makeTempDir({ prefix: "qanat-docs-" });
    const launched = launchQanat(["--base-path", "/data/qanat"]);
    qanat = launched.qanat;
    url = `${launched.url}/data/qanat`;
    await qanat.answers(`${url}/readyz`);
  });
  after(async () => {
    await qanat?.stop();
    if (profile) await Deno.remove(profile, { recursive: true });
  });

  it("shows every operation, asks no other host and leaves the console empty", async () => {
    const { stdout, stderr } = await new Deno.Command(PARTS.chromium.program!, {
      args: [
        "--headless=new",
        "--no-sandbox",
        "--disable-gpu",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-dev-shm-usage",
        "--enable-logging=stderr",
        `--user-data-dir=${profile}`,
        `--virtual-time-budget=${PAGE_MS}`,
        "--dump-dom",
        `${url}/docs`,
      ],
      stdin: "null",
      signal: AbortSignal.timeout(RUN_MS),
    }).output();
    const shown = new TextDecoder().decode(stdout);
    const said = new TextDecoder().decode(stderr).split("\n");
    assert.deepEqual(said.filter((line) => line.includes(":CONSOLE:")), []);
    const document = await (await fetch(`${url}/openapi.json`)).json();
    for (const operations of Object.values(document.paths)) {
      for (const operation of Object.values(operations as object)) {
        const { operationId, tags } = operation;
        const id = `operations-${tags[0]}-${operationId}`;
        assert.ok(shown.includes(`id="${id}"`), `${id} is not shown`);
      }
    }
    assert.ok(shown.includes("/data/qanat"));
    const asked = /<(?:script|link|img)[^>]*(?:src|href)="(https?:[^"]+)"/g;
    const others = [...shown.matchAll(asked)].map(([, address]) => address!)
      .filter((address) => !address.startsWith(url));
    assert.deepEqual(others, []);
  });
});
