import { describe, it } from "@std/testing/bdd";
import assert from "node:assert/strict";
import { accessOf, type AccessSettings } from "../../src/auth/access_of.ts";
import { ANONYMOUS } from "../../src/auth/claims.ts";
import { Principal } from "../../src/auth/principal.ts";
import { Catalog } from "../../src/channels/catalog.ts";
import { parseConfig } from "../../src/config.ts";
import { silent } from "../driven_source.ts";
import { channel, Folder, tokenWith } from "./auth_world.ts";

const NONE: AccessSettings = {
  workers: 1,
  auth: [],
  authTokenFile: "",
  authPolicyFile: "",
  authIssuer: [],
  authAudience: [],
  authKeyHosts: [],
  authClockToleranceS: 5,
  authGroupsClaim: "groups",
  sessionKeyFile: "",
  sessionHours: 12,
  addressSharePercent: 90,
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
      const alice = access.authenticate({
        authorization: `Bearer ${token}`,
        session: null,
        address: "",
      });
      assert.ok(alice instanceof Principal);
      assert.equal(alice.id, "token:alice");
      assert.equal(alice.grant.allows(channel("H1:A")), true);
      assert.equal(alice.grant.allows(channel("L1:A")), false);
      const nobody = access.authenticate({
        authorization: "",
        session: null,
        address: "",
      });
      assert.ok("error" in nobody && nobody.error === "none");
      for (
        const [bearer, expected] of [
          ["Bearer wrong", /it must be a token that begins with 'qanat_'$/],
        ] as const
      ) {
        const denied = access.authenticate({
          authorization: bearer,
          session: null,
          address: "",
        });
        assert.ok("error" in denied && denied.error === "invalid_token");
        assert.match(denied.detail, expected);
      }
    } finally {
      access.close();
    }
  });

  it("fails by the name of the setting when a file is wrong, and shows neither path nor content", async () => {
    using folder = new Folder();
    const { token, entry } = tokenWith("alice");
    const tokens = folder.write("tokens.json", { tokens: [entry] });
    const cases: [Partial<AccessSettings>, RegExp][] = [
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

describe("the keys of sessions", () => {
  const KEYS = ["a", "b"].map((letter) => letter.repeat(40));

  it("come from the file, so that another instance opens the session", async () => {
    using folder = new Folder();
    const settings = {
      ...NONE,
      auth: ["tokens"] as const,
      authTokenFile: folder.write("tokens.json", { tokens: [] }),
      sessionKeyFile: folder.write("keys", KEYS.join("\n")),
      sessionHours: 1,
    };
    const [one, other] = [
      await accessOf(settings, new Catalog(), silent),
      await accessOf(settings, new Catalog(), silent),
    ];
    try {
      const begun = await one.sessions!.begin({
        ...ANONYMOUS,
        kind: "token",
        subject: "alice",
      });
      assert.ok(begun.kind === "new");
      const session = await other.sessions!.open(begun.cookie);
      assert.equal(session.kind, "session");
      assert.equal(one.sessions!.keyCount, 2);
      const inAnHour = Date.now() + 3_600_000;
      assert.ok(Math.abs(begun.claims.expiresMs - inAnHour) < 60_000);
    } finally {
      one.close();
      other.close();
    }
  });

  it("that are wrong end the start, by line and without the key", async () => {
    using folder = new Folder();
    const settings = {
      ...NONE,
      auth: ["tokens"] as const,
      authTokenFile: folder.write("tokens.json", { tokens: [] }),
      sessionKeyFile: folder.write("keys", `${KEYS[0]}\nhunter2`),
    };
    await assert.rejects(
      accessOf(settings, new Catalog(), silent),
      ({ message }: Error) => {
        assert.match(message, /^the file of --session-key-file: line 2 has 7/);
        assert.ok(!message.includes("hunter2"));
        return true;
      },
    );
  });

  it("without a file are random, and the log says what that means", async () => {
    using folder = new Folder();
    const said: string[] = [];
    const access = await accessOf(
      {
        ...NONE,
        auth: ["tokens"],
        authTokenFile: folder.write("tokens.json", { tokens: [] }),
      },
      new Catalog(),
      { ...silent, info: (event) => void said.push(event) },
    );
    access.close();
    assert.deepEqual(said, ["session-key-random"]);
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
      [
        ["--session-key-file=k"],
        "--session-key-file needs --auth tokens or --auth jwt",
      ],
    ];
    for (const [args, message] of cases) {
      assert.deepEqual(parseConfig(args, {}), { kind: "error", message });
    }
  });
});
