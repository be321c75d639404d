// The files of an instance: what is in force after each change, what the log, /metrics and /v1/status say.
import { describe, it } from "@std/testing/bdd";
import assert from "node:assert/strict";
import { Qanat } from "../../src/app.ts";
import { AccessControl } from "../../src/auth/access_control.ts";
import { AuthFiles } from "../../src/auth/auth_files.ts";
import { GrantsInForce } from "../../src/auth/grants_in_force.ts";
import { SessionKeys } from "../../src/auth/session_keys.ts";
import { Sessions } from "../../src/auth/sessions.ts";
import { TokenFileVerifier } from "../../src/auth/token_verifier.ts";
import { parseConfig } from "../../src/config.ts";
import { embeddedChannels } from "../../src/source/synthetic.ts";
import { configWith, DrivenSource, silent } from "../driven_source.ts";
import { Folder, logLines, tokenWith } from "./auth_world.ts";

const ALICE = tokenWith("alice");
const BOB = tokenWith("bob");

async function withFiles(
  play: (world: {
    folder: Folder;
    files: AuthFiles;
    access: AccessControl;
    lines: Record<string, unknown>[];
    outcome(token: string | null): string;
    poll(times: number): Promise<void>;
  }) => Promise<void>,
): Promise<void> {
  using folder = new Folder();
  const parsed = parseConfig([
    "--auth=tokens",
    `--auth-token-file=${folder.write("tokens", { tokens: [ALICE.entry] })}`,
    `--auth-policy-file=${folder.write("policy", { grants: [] })}`,
  ], {});
  assert.ok(parsed.kind === "config");
  const { lines, log } = logLines();
  const book = new GrantsInForce();
  const sessions = new Sessions({
    keys: await SessionKeys.random(),
    hoursMax: 1,
    unixMs: () => 0,
  });
  const files = new AuthFiles({
    settings: parsed.config,
    book,
    sessions,
    log,
  });
  await files.start();
  const source = new DrivenSource((await embeddedChannels()).slice(0, 3));
  const access = new AccessControl({
    catalog: source.catalog,
    book,
    files,
    verifiers: [new TokenFileVerifier(() => book.tokens)],
  });
  try {
    await play({
      folder,
      files,
      access,
      lines,
      outcome: (bearer) => {
        const found = access.authenticate({
          authorization: bearer === null ? "" : `Bearer ${bearer}`,
          session: null,
          address: "",
        });
        assert.ok(!(found instanceof Promise));
        return "error" in found ? found.error : found.id;
      },
      poll: async (times) => {
        for (let i = 0; i < times; i++) await files.poll();
      },
    });
  } finally {
    access.close();
  }
}

describe("the files of authentication", () => {
  it("take effect when they change; a wrong one changes nothing, and is logged once", () =>
    withFiles(async ({ folder, lines, outcome, poll }) => {
      assert.equal(outcome(ALICE.token), "token:alice");
      assert.equal(outcome(BOB.token), "invalid_token");
      folder.write("tokens", { tokens: [BOB.entry] });
      await poll(1);
      assert.equal(outcome(ALICE.token), "invalid_token");
      assert.equal(outcome(BOB.token), "token:bob");
      folder.write("tokens", { tokens: [ALICE.entry, ALICE.entry] });
      await poll(5);
      assert.equal(outcome(ALICE.token), "invalid_token");
      assert.equal(outcome(BOB.token), "token:bob");
      Deno.removeSync(folder.at("tokens"));
      await poll(5);
      assert.equal(outcome(BOB.token), "token:bob");
      folder.write("tokens", { tokens: [BOB.entry] });
      await poll(1);
      const logged = lines.map((
        { level, event, file, entries, reason },
      ) => [level, event, file, entries ?? reason]);
      assert.deepEqual(logged, [
        ["info", "auth-file-changed", "tokens", 1],
        [
          "error",
          "auth-file-invalid",
          "tokens",
          "token 2 ('alice'): an earlier token has the same name",
        ],
        [
          "error",
          "auth-file-invalid",
          "tokens",
          "the file of --auth-token-file cannot be read: there is no such file",
        ],
        ["info", "auth-file-valid", "tokens", undefined],
      ]);
    }));

  it("and outcomes of requests are shown by /metrics and /v1/status as counts", () =>
    withFiles(async ({ folder, access, outcome, poll }) => {
      outcome(ALICE.token);
      outcome(ALICE.token);
      outcome(BOB.token);
      outcome(null);
      folder.write("policy", "{");
      await poll(3);
      const source = new DrivenSource([]);
      const qanat = new Qanat({
        config: configWith({ retentionMb: 1 }),
        source,
        log: silent,
        access,
      });
      const { text } = await qanat.metrics();
      for (
        const line of [
          'auth_requests_total{outcome="accepted"} 2',
          'auth_requests_total{outcome="anonymous"} 0',
          'auth_requests_total{outcome="no_credential"} 1',
          'auth_requests_total{outcome="invalid_token"} 1',
          'auth_file_valid{file="tokens"} 1',
          'auth_file_valid{file="policy"} 0',
          'auth_file_entries{file="tokens"} 1',
          'auth_file_loads_total{file="policy"} 1',
          'auth_file_faults_total{file="policy"} 1',
          "auth_views 0",
        ]
      ) {
        assert.ok(text.includes(`\nqanat_${line}\n`), `${line}\n${text}`);
      }
      const status = qanat.status();
      assert.deepEqual(status["access"], {
        requests: { anonymous: 0, accepted: 2 },
        denied: {
          none: 1,
          invalid_request: 0,
          invalid_token: 1,
          insufficient_scope: 0,
          unavailable: 0,
        },
        views: 0,
        view_channels: 0,
        files: [
          { file: "tokens", valid: true, entries: 1, loads: 1, faults: 0 },
          { file: "policy", valid: false, entries: 0, loads: 1, faults: 1 },
        ],
        issuers: [],
      });
      for (const shown of [text, JSON.stringify(status)]) {
        for (const secret of [ALICE.token, ALICE.entry.sha256, "alice"]) {
          assert.ok(!shown.includes(secret));
        }
      }
      await qanat.close();
    }));
});
