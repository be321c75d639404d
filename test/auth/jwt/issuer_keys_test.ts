// When the keys of an issuer are fetched, how long they stay, and what is refused of what an issuer says.
import { before, describe, it } from "@std/testing/bdd";
import assert from "node:assert/strict";
import {
  IssuerKeys,
  KEYS_AGE_MAX_MS,
  REFRESH_MS,
  RETRY_MS,
} from "../../../src/auth/jwt/issuer_keys.ts";
import type { JsonReader } from "../../../src/auth/jwt/json_reader.ts";
import {
  Documents,
  ISSUER,
  keptLog,
  newKey,
  TestClock,
  type TestKey,
} from "./issuer_double.ts";

const CONFIGURATION = `${ISSUER}/.well-known/openid-configuration`;

describe("the keys of an issuer", () => {
  let first: TestKey, second: TestKey;
  before(async () => {
    first = await newKey("first");
    second = await newKey("second", "RS256");
  });

  function issuerOf(
    options: { issuer?: string; keyHosts?: string[]; read?: JsonReader } = {},
  ) {
    const documents = new Documents();
    const clock = new TestClock();
    const log = keptLog();
    const keys = new IssuerKeys({
      issuer: ISSUER,
      keyHosts: [],
      addressSharePercent: 50,
      read: documents.read,
      log,
      ...clock,
      ...options,
    });
    return { keys, documents, clock, log };
  }

  /** What is logged where the issuer answers with this configuration. */
  async function faultWith(
    configuration: unknown,
    options: Parameters<typeof issuerOf>[0] = {},
  ): Promise<string> {
    const { keys, documents, log } = issuerOf(options);
    const issuer = options.issuer ?? ISSUER;
    documents.publish([first], issuer);
    documents.set(
      `${issuer}/.well-known/openid-configuration`,
      configuration,
    );
    await keys.refresh();
    return log.lines.join("\n");
  }

  it("are fetched by the document that OpenID Connect names, and again every ten minutes", async () => {
    const { keys, documents, clock } = issuerOf();
    documents.publish([first]);
    await keys.refresh();
    assert.deepEqual(documents.reads, [CONFIGURATION, `${ISSUER}/keys`]);
    clock.ms = REFRESH_MS - 1;
    await keys.refresh();
    assert.equal(documents.reads.length, 2);
    clock.ms = REFRESH_MS;
    documents.publish([second]);
    await keys.refresh();
    assert.equal(documents.reads.length, 4);
    assert.notEqual(typeof await keys.find("second", ""), "string");
    assert.equal(await keys.find("first", ""), "unknown");
  });

  it("of an issuer with a slash at its end are found, too", async () => {
    const { keys, documents } = issuerOf({ issuer: `${ISSUER}/` });
    documents.set(CONFIGURATION, {
      issuer: `${ISSUER}/`,
      jwks_uri: `${ISSUER}/keys`,
    });
    documents.set(`${ISSUER}/keys`, { keys: [first.jwk] });
    await keys.refresh();
    assert.equal(keys.failingMs, 0);
  });

  it("are fetched once for many that wait", async () => {
    const { keys, documents } = issuerOf();
    documents.publish([first]);
    await Promise.all([
      keys.refresh(),
      ...Array.from({ length: 20 }, () => keys.find("first", "")),
    ]);
    assert.equal(documents.reads.length, 2);
  });

  it("let only some tokens wait", async () => {
    const { keys, documents } = issuerOf();
    documents.publish([first]);
    const found = await Promise.all(
      Array.from({ length: 300 }, () => keys.find("first", "")),
    );
    const full = found.filter((each) => each === "full");
    assert.equal(full.length, 300 - 256);
  });

  it("let the tokens of one address take only a part of the waiting places", async () => {
    const { keys, documents } = issuerOf();
    documents.publish([first]);
    const flood = Array.from(
      { length: 300 },
      () => keys.find("first", "192.0.2.1"),
    );
    const other = keys.find("first", "192.0.2.2");
    const share = (await Promise.all(flood)).filter((each) => each === "share");
    assert.equal(share.length, 300 - 128);
    assert.notEqual(typeof await other, "string");
    // All places are free again.
    assert.notEqual(typeof await keys.find("first", "192.0.2.1"), "string");
  });

  it("stay known for a day while the issuer is away, and no longer", async () => {
    const { keys, documents, clock, log } = issuerOf();
    documents.publish([first]);
    await keys.refresh();
    documents.fail();
    for (clock.ms = RETRY_MS; clock.ms <= KEYS_AGE_MAX_MS;) {
      await keys.refresh();
      assert.notEqual(typeof keys.find("first", ""), "string");
      clock.ms += RETRY_MS;
    }
    assert.equal(await keys.find("first", ""), "unavailable");
    assert.equal(keys.failingMs, clock.ms - REFRESH_MS);
    // Once for the whole day.
    const failures = log.lines.filter((line) => /keys-failed/.test(line));
    assert.equal(failures.length, 1);
    assert.match(failures[0]!, /^warn .*connection refused/);
    documents.publish([first]);
    clock.ms += RETRY_MS;
    assert.notEqual(typeof await keys.find("first", ""), "string");
    assert.equal(keys.failingMs, 0);
    assert.match(log.lines.at(-1)!, /^info issuer-keys .*"keys":1/);
  });

  it("that cannot be read are tried again once a minute, whatever asks for them", async () => {
    const { keys, documents, clock } = issuerOf();
    await keys.refresh();
    const once = documents.reads.length;
    clock.ms = RETRY_MS - 1;
    await keys.refresh();
    assert.equal(await keys.find("first", ""), "unavailable");
    assert.equal(documents.reads.length, once);
    clock.ms = RETRY_MS;
    await Promise.all([
      keys.find("first", ""),
      keys.find("x", ""),
      keys.refresh(),
    ]);
    assert.equal(documents.reads.length, 2 * once);
    assert.equal(keys.counters.failures, 2);
  });

  it("of a document without usable keys do not replace those that are known", async () => {
    const { keys, documents, clock } = issuerOf();
    documents.publish([first]);
    await keys.refresh();
    documents.set(`${ISSUER}/keys`, { keys: [] });
    clock.ms = REFRESH_MS;
    await keys.refresh();
    assert.notEqual(typeof keys.find("first", ""), "string");
    assert.equal(keys.counters.failures, 1);
  });

  it("are not taken from an issuer that never answers", async () => {
    const { keys, log } = issuerOf({
      read: (_url, signal) =>
        new Promise((_, reject) => {
          // What `fetch` does when its time is up, without the wait.
          Object.defineProperty(signal, "aborted", { value: true });
          reject(new Error("The signal has been aborted"));
        }),
    });
    await keys.refresh();
    assert.match(log.lines.join(), /no answer within 5000 ms/);
  });

  it("are not taken from a document of another issuer", async () => {
    for (const issuer of ["https://other", `${ISSUER}/`, undefined, 1]) {
      const configuration = { issuer, jwks_uri: `${ISSUER}/keys` };
      assert.match(await faultWith(configuration), /names another issuer/);
    }
    for (const configuration of [null, [], "x", 1]) {
      assert.match(await faultWith(configuration), /names another issuer/);
    }
  });

  it("are fetched from the issuer's host only, or from one that the settings name", async () => {
    const at = (jwks_uri: unknown) => ({ issuer: ISSUER, jwks_uri });
    for (
      const address of [
        "file:///etc/passwd",
        "data:application/json,{}",
        "http://issuer.example.org/keys",
        "http://127.0.0.1/keys",
        "https://user:secret@issuer.example.org/keys",
        "https://issuer.example.org/keys#x",
        "/keys",
        "",
        undefined,
        `${ISSUER}/${"x".repeat(2048)}`,
        "https://keys.example.org/keys",
        "https://issuer.example.org:8443/keys",
      ]
    ) {
      assert.match(await faultWith(at(address)), /keys-failed.*jwks_uri/);
    }
    const { keys, documents } = issuerOf({
      keyHosts: ["keys.example.org:443"],
    });
    documents.set(CONFIGURATION, at("https://keys.example.org/k"));
    documents.set("https://keys.example.org/k", { keys: [first.jwk] });
    await keys.refresh();
    assert.equal(keys.failingMs, 0);
    assert.notEqual(typeof keys.find("first", ""), "string");
  });

  it("may come by http from this machine alone", async () => {
    const issuer = "http://localhost:8080/realm";
    const own = { issuer, jwks_uri: `${issuer}/keys` };
    assert.match(await faultWith(own, { issuer }), /info issuer-keys/);
    const other = { issuer, jwks_uri: "http://issuer.example.org/keys" };
    const keyHosts = ["issuer.example.org:80"];
    assert.match(
      await faultWith(other, { issuer, keyHosts }),
      /not an https address/,
    );
  });
});
