import { describe, it } from "@std/testing/bdd";
import assert from "node:assert/strict";
import { accessOf } from "../../src/auth/access_of.ts";
import { Principal } from "../../src/auth/principal.ts";
import { Catalog } from "../../src/channels/catalog.ts";
import { parseConfig } from "../../src/config.ts";
import type { AuthSettings } from "../../src/settings/auth_settings.ts";
import { silent } from "../driven_source.ts";
import { channel, Folder, tokenWith } from "./auth_world.ts";

const NONE: AuthSettings = {
  auth: [],
  authTokenFile: "",
  authPolicyFile: "",
  authIssuer: [],
  authAudience: [],
  authKeyHosts: [],
  authClockToleranceS: 5,
  authGroupsClaim: "groups",
};

describe("accessOf()", () => {
  it("without authentication lets everyone read everything, and reads no file", async () => {
    const access = await accessOf(NONE, new Catalog(), silent);
    assert.equal(access.isOpen, true);
    assert.deepEqual(access.fileStates(), []);
    access.close();
  });

  it("with tokens accepts those of the file", async () => {
    using folder = new Folder();
    const { token, entry } = tokenWith("alice", { read: [{ match: "H1:.*" }] });
    const access = await accessOf(
      {
        ...NONE,
        auth: ["tokens"],
        authTokenFile: folder.write("tokens.json", { tokens: [entry] }),
      },
      new Catalog(),
      silent,
    );
    try {
      const alice = access.authenticate({ bearer: token, session: null });
      assert.ok(alice instanceof Principal);
      assert.equal(alice.id, "token:alice");
      assert.equal(alice.grant.allows(channel("H1:A")), true);
      assert.equal(alice.grant.allows(channel("L1:A")), false);
      const nobody = access.authenticate({ bearer: null, session: null });
      assert.ok("error" in nobody && nobody.error === "none");
    } finally {
      access.close();
    }
  });

  it("fails by the name of the setting when a file is wrong, and shows neither path nor content", async () => {
    using folder = new Folder();
    const { token, entry } = tokenWith("alice");
    const tokens = folder.write("tokens.json", { tokens: [entry] });
    const cases: [Partial<AuthSettings>, RegExp][] = [
      [
        { authTokenFile: folder.at("none") },
        /^the file of --auth-token-file cannot be read: there is no such file$/,
      ],
      [{ authTokenFile: folder.path }, /cannot be read: it is not a regular/],
      [
        { authTokenFile: folder.write("bad", `{"tokens": ["${token}"]}`) },
        /^the file of --auth-token-file: token 1 must be an object$/,
      ],
      [
        { authTokenFile: folder.write("big", " ".repeat(2 ** 21 + 1)) },
        /--auth-token-file is larger than 2097152 bytes/,
      ],
      [
        {
          authTokenFile: tokens,
          authPolicyFile: folder.write("policy", `{"grants": [{}]}`),
        },
        /^the file of --auth-policy-file: grant 1: needs exactly one of/,
      ],
    ];
    for (const [settings, expected] of cases) {
      await assert.rejects(
        accessOf(
          { ...NONE, auth: ["tokens"], ...settings },
          new Catalog(),
          silent,
        ),
        ({ message }: Error) => {
          assert.match(message, expected);
          assert.ok(!message.includes(token) && !message.includes(folder.path));
          return true;
        },
      );
    }
  });
});

describe("settings of authentication", () => {
  it("are refused by name where they do not go together", () => {
    const cases: [string[], string][] = [
      [["--auth=tokens"], "--auth tokens needs --auth-token-file"],
      [["--auth-token-file=t"], "--auth-token-file needs --auth tokens"],
      [
        [
          "--auth=jwt",
          "--auth-issuer=https://i",
          "--auth-audience=a",
          "--auth-token-file=t",
        ],
        "--auth-token-file needs --auth tokens",
      ],
      [
        ["--auth-policy-file=p"],
        "--auth-policy-file needs --auth tokens or --auth jwt",
      ],
      [
        ["--auth=jwt", "--auth-audience=a"],
        "--auth jwt needs --auth-issuer",
      ],
      [
        ["--auth=jwt", "--auth-issuer=https://i"],
        "--auth jwt needs --auth-audience",
      ],
      [["--auth-issuer=https://i"], "--auth-issuer needs --auth jwt"],
      [["--auth-audience=a"], "--auth-audience needs --auth jwt"],
      [["--auth-key-hosts=a:1"], "--auth-key-hosts needs --auth jwt"],
    ];
    for (const [args, message] of cases) {
      assert.deepEqual(parseConfig(args, {}), { kind: "error", message });
    }
  });
});
