// The same tokens at a real `arrakis-server --auth full` and at Qanat with `--auth jwt`, and the same issuer over https.
// Invariant: both grant and refuse the same, except DIFFERENCES, which docs/security.md lists.
import { after, before, describe, it } from "@std/testing/bdd";
import assert from "node:assert/strict";
import { canRun } from "../../scripts/optional_parts.ts";
import { freePort, PARTS, Process, say, startArgs } from "./chain.ts";

const runnable = canRun([PARTS.python]);
/** Scopes by chance; QANAT_FUZZ and QANAT_SEED choose others. */
const SCOPES = Math.min(Number(Deno.env.get("QANAT_FUZZ") ?? 200), 2000);
const SEED = Number(Deno.env.get("QANAT_SEED") ?? 1);

/** Tokens that Qanat treats otherwise than arrakis-server does, on purpose. */
const DIFFERENCES: Readonly<
  Record<string, { readonly arrakis: string; readonly qanat: string }>
> = {
  // Arrakis has no grants below `arrakis.read:/`.
  "a publisher alone": { arrakis: "unauthorized", qanat: "some channels" },
  // A path that names no publisher: allowed to ask, and finds nothing.
  "a scope with an encoded dot in capitals": {
    arrakis: "unauthorized",
    qanat: "no channels",
  },
  // It could not be withdrawn.
  "no expiry": { arrakis: "accepted", qanat: "invalid_token" },
  // It could have been given to any service.
  "SciTokens 1.0 without audience": {
    arrakis: "accepted",
    qanat: "invalid_token",
  },
  // Every issuer of OpenID Connect has claims of its own.
  "claims that SciTokens 1.0 does not know": {
    arrakis: "unauthorized",
    qanat: "all channels",
  },
  // Limits, logs and lists name owners by it.
  "an empty subject": { arrakis: "accepted", qanat: "invalid_token" },
  // --auth-clock-tolerance-s
  "expired within the tolerance": {
    arrakis: "unauthenticated",
    qanat: "all channels",
  },
  // RFC 7519 has numbers there.
  "exp is a number as text": { arrakis: "accepted", qanat: "invalid_token" },
};

interface Outcome {
  readonly case: string;
  readonly arrakis: string;
  readonly status: number;
  readonly error: string | null;
  readonly channels: number;
}

interface World {
  readonly configured: readonly string[];
  readonly audiences: readonly string[];
  readonly ca: string;
}

describe("SciTokens", { ignore: !runnable, skip: !runnable }, () => {
  let directory: string;
  let issuer: Process;
  let world: World;
  let qanat: Process;
  let url: string;
  let flightUrl: string;

  before(async () => {
    directory = await Deno.makeTempDir({ prefix: "qanat-scitokens-" });
    issuer = python("scitokens_issuer.py");
    const [, line] = await issuer.says(/^(\{"event": "ready".*\})$/m);
    world = JSON.parse(line!);
    const port = freePort();
    url = `http://127.0.0.1:${port}`;
    const flightPort = freePort();
    flightUrl = `grpc://127.0.0.1:${flightPort}`;
    qanat = new Process("qanat", Deno.execPath(), [
      ...startArgs([`--cert=${world.ca}`]),
      `--port=${port}`,
      `--flight-port=${flightPort}`,
      "--log-level=debug",
      "--auth=jwt",
      `--auth-issuer=${world.configured}`,
      `--auth-audience=${world.audiences}`,
    ]);
    await qanat.answers(`${url}/readyz`);
  });
  after(async () => {
    await qanat?.stop();
    await issuer?.stop();
    await Deno.remove(directory, { recursive: true });
  });

  function python(script: string, ...args: string[]): Process {
    return new Process(script, PARTS.python.program!, [
      `test/integration/python/${script}`,
      `--dir=${directory}`,
      ...args,
    ]);
  }

  /** The lines of a run of scitokens_parity.py. */
  async function lines<T>(...args: string[]): Promise<T[]> {
    const process = python(
      "scitokens_parity.py",
      `--world=${JSON.stringify(world)}`,
      `--qanat=${url}`,
      ...args,
    );
    const code = await process.ends();
    assert.equal(code, 0, process.log);
    return process.output.trim().split("\n").map((line) => JSON.parse(line));
  }

  function qanatSays({ status, error, channels }: Outcome, all: number) {
    if (status !== 200) return error ?? String(status);
    if (channels === all) return "all channels";
    return channels === 0 ? "no channels" : "some channels";
  }

  it("are granted and refused as by arrakis-server, except the listed differences", async () => {
    const outcomes = await lines<Outcome>();
    const all = Math.max(...outcomes.map(({ channels }) => channels));
    const found: Record<string, { arrakis: string; qanat: string }> = {};
    for (const outcome of outcomes) {
      const qanat = qanatSays(outcome, all);
      const isSame = outcome.arrakis === "accepted"
        ? qanat === "all channels"
        : outcome.status >= 400 && outcome.status < 500;
      if (!isSame) found[outcome.case] = { arrakis: outcome.arrakis, qanat };
    }
    assert.deepEqual(found, DIFFERENCES);
    const granted = outcomes.filter(({ channels }) => channels === all);
    say(`scitokens: ${outcomes.length} tokens, ${granted.length} read all`);
    assert.ok(granted.length >= 18 && outcomes.length - granted.length >= 40);
    // What arrakis-server cannot identify Qanat never calls a lack of scope.
    for (const { arrakis, error, case: name } of outcomes) {
      if (arrakis === "unauthenticated" && error !== null) {
        assert.equal(error, "invalid_token", name);
      }
    }
  });

  it("with paths show the very channels that the package scitokens grants", async () => {
    const rows = await lines<
      { case: string; expected: string[]; found: string[] }
    >(`--scopes=${SCOPES}`, `--seed=${SEED}`);
    assert.equal(rows.length, SCOPES);
    for (const { case: scope, expected, found } of rows) {
      assert.deepEqual(found, expected, scope);
    }
    assert.ok(rows.some(({ found }) => found.length > 1));
  });

  it("allow to publish as the publishers that arrakis-server allows", async () => {
    const outcomes = await lines<
      { case: string; arrakis: string; qanat: string }
    >(`--publish=${flightUrl}`);
    for (const { case: name, arrakis, qanat } of outcomes) {
      assert.equal(qanat, arrakis, name);
    }
    const allowed = outcomes.filter(({ arrakis }) => arrakis === "allowed");
    assert.deepEqual([outcomes.length, allowed.length], [15, 5]);
  });

  it("are found by Arrakis's own clients, which send them to both", async () => {
    assert.deepEqual(await lines("--clients"), [
      {
        case: "a token for this host",
        found: true,
        arrakis: "accepted",
        status: 200,
      },
      {
        case: "a token for another host",
        found: false,
        arrakis: "refused",
        status: 401,
      },
    ]);
  });

  it("never show in the log", async () => {
    const address = `${url}/v1/channels?access_token=eyJhbGciOiJub25lIn0.e30.`;
    const response = await fetch(address);
    assert.equal(response.status, 400);
    const body = await response.text();
    assert.match(body, /must not be part of an address/);
    assert.doesNotMatch(body + qanat.log, /eyJ/);
    assert.match(qanat.log, /"event":"issuer-keys"/);
  });
});
