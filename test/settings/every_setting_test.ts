// Every setting, by flag and by variable: the least and the greatest value, one beyond either, wrong text, empty, misspelled.
// A new setting needs a row here: the first test names those that have none.
import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import { type Config, parseConfig } from "../../src/config.ts";
import { VALUE_CHARS_MAX } from "../../src/settings/read_settings.ts";

interface Row {
  readonly takes: readonly string[];
  readonly refuses: readonly string[];
  /** What a refusal says would be right. */
  readonly right: RegExp;
  /** Without which the setting is refused for another reason. */
  readonly also?: readonly string[];
}

function whole(min: number, max: number): Row {
  const beyond = min === 0 ? "-1" : String(min - 1);
  return {
    takes: [String(min), String(max)],
    refuses: [
      beyond,
      String(max + 1),
      "many",
      "1.5",
      "1e1",
      "1_0",
      "1,0",
      "+1",
      "0x1",
      "10ms",
      " 10",
      "10\n",
      "0".repeat(16),
    ],
    right: new RegExp(
      `a whole number from ${min} to ${max}|spaces|control characters`,
    ),
  };
}

const FILE: Row = {
  takes: ["/etc/qanat/some file.pem"],
  refuses: ["-----BEGIN PRIVATE KEY-----\nMIIE", " x.pem", "x.pem\n"],
  right: /the path of a file|without spaces|control characters/,
};
const FLAG: Row = {
  takes: ["true", "false", "1", "0"],
  refuses: ["yes", "TRUE", "2"],
  right: /true or false/,
};
/** What the mode needs. */
const JWT = ["--auth=jwt", "--auth-issuer=https://i", "--auth-audience=a"];
const ANY_TEXT: Row = {
  takes: ["x"],
  refuses: [" x", "x\t", "x\u001b[2J"],
  right: /without spaces around it|control characters/,
};

const ROWS: Readonly<Partial<Record<keyof Config, Row>>> = {
  port: whole(0, 65_535),
  operatorPort: whole(0, 65_535),
  flightPort: whole(0, 65_535),
  flightHost: {
    takes: ["::1", "0.0.0.0", "localhost"],
    refuses: ["http://localhost", "localhost:80", "[::1]", "*", "a b"],
    right: /an address or a host name/,
    also: ["--flight-port=31206"],
  },
  flightPublish: {
    ...FLAG,
    also: ["--flight-port=31206", "--kafka=127.0.0.1:9092"],
  },
  usageLog: FILE,
  operatorHost: {
    takes: ["::1", "0.0.0.0", "localhost"],
    refuses: ["http://localhost", "localhost:80", "[::1]", "*", "a b"],
    right: /an address or a host name/,
  },
  host: {
    takes: ["::1", "0.0.0.0", "localhost", "qanat.example.org", "fe80::1%eth0"],
    refuses: [
      "http://localhost",
      "localhost:80",
      "[::1]",
      "*",
      "999.1.1.1",
      "1.2.3",
      "1.2.3.4.5",
      "01.2.3.4",
      "a b",
      "-x",
      "a..b",
      "1::2::3",
      "x".repeat(64),
      "a.".repeat(130),
    ],
    right: /an address or a host name, such as 127\.0\.0\.1/,
  },
  auth: {
    takes: ["jwt"],
    refuses: ["None", "none,jwt", "token", "jwt,jwt", "jwt,", ","],
    right: /none, or some of tokens, jwt|empty/,
    also: JWT.slice(1),
  },
  authTokenFile: { ...FILE, also: ["--auth=tokens"] },
  authPolicyFile: { ...FILE, also: JWT },
  authIssuer: {
    takes: [
      "https://issuer.example.org",
      "https://a.example.org/x/,https://b:8443",
      "http://localhost:8080/realm",
      "http://127.0.0.1:1",
      "http://[::1]:1",
    ],
    refuses: [
      "issuer.example.org",
      "http://issuer.example.org",
      "http://127.0.0.1.example.org",
      "https://user:secret@issuer.example.org",
      "https://issuer.example.org?x",
      "https://issuer.example.org#x",
      "https://issuer.example.org\\x",
      "https://a b",
      "file:///etc/passwd",
      "https://",
      "https://a,",
      `https://a/${"x".repeat(512)}`,
      Array.from({ length: 17 }, (_, i) => `https://a${i}`).join(),
    ],
    right: /a list of (https addresses|at most 16)|without empty items/,
    also: ["--auth=jwt", "--auth-audience=a"],
  },
  authAudience: {
    takes: ["https://qanat.example.org,b", "x".repeat(255)],
    refuses: ["ANY", "a,ANY", "a,,b", "x".repeat(256), "a,".repeat(16) + "a"],
    right: /a list (without ANY|of)|without empty items/,
    also: ["--auth=jwt", "--auth-issuer=https://i"],
  },
  authKeyHosts: {
    takes: ["keys.example.org:443,[::1]:1"],
    refuses: ["keys.example.org", "https://keys.example.org:443", "a:0"],
    right: /HOST:PORT,…/,
    also: JWT,
  },
  authClockToleranceS: whole(0, 300),
  authGroupsClaim: {
    takes: ["wlcg.groups", "realm_access.roles", "x".repeat(128)],
    refuses: ["x".repeat(129), " x"],
    right: /the name of a claim|without spaces/,
  },
  sessionKeyFile: { ...FILE, also: JWT },
  sessionHours: whole(1, 720),
  kafka: {
    takes: ["a:1", "a:1, b_c:65535", "[::1]:9092", "10.0.0.1:9092"],
    refuses: [
      "a",
      "a:",
      "a:0",
      "a:65536",
      "a:99999",
      ":9092",
      "::1:9092",
      "kafka://a:1",
      "a:1,,b:1",
      "a:1,",
      ",,",
      ",",
      "a:1;b:1",
      "a b:1",
      "999.1.1.1:1",
      "[x]:1",
      "a:1:2",
      "u:p@a:1",
    ],
    right: /HOST:PORT,…/,
  },
  printPermissions: FLAG,
  tlsCert: { ...FILE, also: ["--tls-key=k"] },
  tlsKey: { ...FILE, also: ["--tls-cert=c"] },
  kafkaTls: FLAG,
  kafkaCa: FILE,
  kafkaCert: { ...FILE, also: ["--kafka-key=k"] },
  kafkaKey: { ...FILE, also: ["--kafka-cert=c"] },
  kafkaSasl: {
    takes: ["plain", "scram-sha-256", "scram-sha-512"],
    refuses: ["PLAIN", "gssapi"],
    right: /one of plain\|scram-sha-256\|scram-sha-512\|oauthbearer/,
    also: ["--kafka-user=u"],
  },
  kafkaUser: ANY_TEXT,
  kafkaPassword: {
    takes: [" with spaces ", "--dashes", "ü@:,"],
    refuses: ["hunter2\n", "hunter2\0"],
    right: /control characters, such as a newline/,
  },
  kafkaTokenFile: FILE,
  channelNotes: FILE,
  topics: { ...FILE, also: ["--kafka=k:9092"] },
  upstream: {
    takes: ["http://a:8080", "https://a/qanat,https://[::1]:8443"],
    refuses: [
      "a:8080",
      "ftp://a",
      "https://a/",
      "https://a/?x",
      "https://a/b#c",
      "https://u:secret@a",
      "https://a,",
      `https://a/${"x".repeat(512)}`,
      Array.from({ length: 17 }, (_, i) => `https://a${i}`).join(),
    ],
    right: /a list of (addresses|at most 16)|without empty items/,
  },
  upstreamToken: {
    takes: ["qanat_AbC-123_x", "eyJh.eyJz.c2ln", "a+b/c=="],
    refuses: ["two words", "ü", "a,b", "hunter2\n"],
    right: /of letters, digits|control characters/,
    also: ["--upstream=http://a"],
  },
  upstreamTokenFile: FILE,
  upstreamCa: { ...FILE, also: ["--upstream=https://a"] },
  relayStreamsMax: whole(0, 10_000),
  retentionMb: whole(1, 65_536),
  slabMb: whole(1, 65_536),
  poisonSlots: FLAG,
  inFlightFrames: whole(1, 64),
  clientsMax: whole(1, 1_000_000),
  clientsPerAddressMax: whole(0, 1_000_000),
  connectionsMax: whole(0, 1_000_000),
  requestHeadMs: whole(100, 600_000),
  requestMs: whole(100, 600_000),
  keepAliveMs: whole(100, 600_000),
  addressSharePercent: whole(1, 100),
  historyStallMs: whole(100, 600_000),
  channelsMax: whole(1, 1_000_000),
  heartbeatMs: whole(100, 3_600_000),
  lingerMs: whole(0, 86_400_000),
  resumeWindowMs: whole(0, 86_400_000),
  outageWaitMs: whole(0, 86_400_000),
  outageGraceMs: whole(0, 600_000),
  futureToleranceMs: whole(0, 86_400_000),
  writeStallMs: whole(100, 86_400_000),
  catchUpRowsMax: whole(1, 1_000_000),
  sliceMs: whole(1, 1000),
  requestWorksMax: whole(0, 10_000),
  requestWorkMs: whole(1, 600_000),
  requestWaitMs: whole(1, 600_000),
  bodiesMb: whole(1, 65536),
  historyReadersMax: whole(0, 1000),
  historyMb: whole(1, 4096),
  trendMatch: { ...ANY_TEXT, takes: ["^$", "H1:.* x"] },
  trendMb: whole(1, 65_536),
  trendHours: whole(1, 168),
  cacheMaxAgeS: whole(0, 31_536_000),
  cacheKey: {
    ...ANY_TEXT,
    takes: ["2026-11", "x".repeat(64)],
    refuses: [...ANY_TEXT.refuses, "x".repeat(65)],
    right: /at most 64 characters|without spaces|control characters/,
  },
  gapFillRowsMax: whole(0, 1_000_000),
  readyGraceMs: whole(0, 86_400_000),
  eventLoopDelayMaxMs: whole(10, 60_000),
  watchdogProbesMax: whole(0, 3600),
  workers: whole(1, 64),
  drainMs: whole(0, 4000),
  drainSpreadS: whole(0, 3600),
  streamAgeMaxS: whole(0, 31_536_000),
  retryMs: whole(0, 3_600_000),
  retrySpreadMs: whole(0, 3_600_000),
  revision: {
    takes: ["4f0c1d2", "v0.1.0+dirty", "release/2026-11"],
    refuses: ["a b", 'x"} 1', "x".repeat(65)],
    right: /a commit or a tag of at most 64/,
  },
  corsOrigin: {
    takes: ["*", "https://a.example", "http://localhost:3000, app://qanat"],
    refuses: [
      "*,http://x",
      "null",
      "https://a.example/",
      "https://A.example",
      "https://a.example:443",
      "https://user:pass@a.example",
      "http://*.example",
      "a.example",
      "https://a.example,,",
    ],
    right: /origins|ORIGIN|without null/,
  },
  allowedHosts: {
    takes: ["*", "qanat.example.org", "*.lab.example, fd00::1,10.0.0.1"],
    refuses: ["http://a.example", "a.example:80", "a.*.example", "a b", ","],
    right: /host names|HOST/,
  },
  basePath: {
    takes: ["/qanat", "/a/b-c.d~e_f"],
    refuses: [
      "qanat",
      "/",
      "/qanat/",
      "//a",
      "/a//b",
      "/a/../b",
      "/.",
      "/a b",
      "/a?b",
      "/a#b",
      "/%2e",
      "/é",
      "/a\\b",
      "/'",
    ],
    right: /a path such as \/qanat/,
  },
  trustedProxies: {
    takes: ["10.0.0.1", "10.0.0.0/0, ::1", "10.0.0.0/32", "fd00::/128"],
    refuses: [
      "1.2.3.4/33",
      "1.2.3.4/99",
      "1.2.3.4/-1",
      "1.2.3.4/",
      "1.2.3.4/08",
      "1.2.3.4/8/8",
      "1.2.3",
      "256.1.1.1",
      "fd00::/129",
      ":::",
      "proxy.example.org",
      "10.0.0.1,,",
      ",",
    ],
    right: /ADDRESS\[\/BITS\],…/,
  },
  publicUrl: {
    takes: ["https://qanat.example.org", "https://a.example:8443/data/qanat"],
    refuses: [
      "http://qanat.example.org",
      "https://qanat.example.org/",
      "https://qanat.example.org:443",
      "https://QANAT.example.org",
      "https://user@qanat.example.org",
      "https://a.example/qanat/",
      "https://a.example/q?x",
      "https://a.example/q;Domain=example",
      "https://a.example/../b",
      "qanat.example.org",
    ],
    right: /an address such as https:\/\/qanat\.example\.org/,
  },
  logLevel: {
    takes: ["debug", "error"],
    refuses: ["loud", "INFO", "debug,info"],
    right: /one of debug\|info\|warn\|error/,
  },
};

const dashed = (key: string) =>
  key.replace(/[A-Z]/g, (l) => "-" + l).toLowerCase();
const flagOf = (key: string) => `--${dashed(key)}`;
const variableOf = (key: string) =>
  `QANAT_${dashed(key).replaceAll("-", "_").toUpperCase()}`;

function messageOf(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): string {
  const parsed = parseConfig(args, env);
  assert.equal(parsed.kind, "error", JSON.stringify([args, env]).slice(0, 200));
  return (parsed as Extract<typeof parsed, { kind: "error" }>).message;
}

describe("settings", () => {
  it("each have a row in this table", () => {
    const parsed = parseConfig([], {});
    assert.ok(parsed.kind === "config");
    assert.deepEqual(
      Object.keys(ROWS).sort(),
      Object.keys(parsed.config).sort(),
    );
  });

  for (
    const [key, { takes, refuses, right, also = [] }] of Object.entries(ROWS)
  ) {
    const isFlag = takes === FLAG.takes;
    const flag = flagOf(key);
    const variable = variableOf(key);

    it(`${flag} takes what is in bounds, by flag and by variable`, () => {
      for (const value of takes) {
        const byFlag = parseConfig([`${flag}=${value}`, ...also], {});
        assert.ok(
          byFlag.kind === "config",
          `${value}: ${JSON.stringify(byFlag)}`,
        );
        const byVariable = parseConfig(also, { [variable]: value });
        const { flags, ...read } = byFlag;
        assert.equal(flags.get(flag), value);
        // What the flags gave is not the same; all the rest is.
        assert.deepEqual(byVariable, {
          ...read,
          flags: new Map([...flags].filter(([name]) => name !== flag)),
        });
        if (value.startsWith("--") || isFlag) continue;
        assert.deepEqual(parseConfig([flag, value, ...also], {}), byFlag);
      }
    });

    it(`${flag} is refused by name when it is out of bounds or no such value`, () => {
      for (const value of [...refuses, "x".repeat(VALUE_CHARS_MAX + 1)]) {
        for (
          const [name, message] of [
            [flag, messageOf([`${flag}=${value}`, ...also])],
            [variable, messageOf(also, { [variable]: value })],
          ] as const
        ) {
          assert.ok(message.startsWith(`${name} must be `), message);
          assert.doesNotMatch(message, /\p{Cc}/u);
          assert.ok(message.length < 250, message);
          if (value.length > VALUE_CHARS_MAX) {
            assert.match(message, /at most 16384 characters long/);
          } else assert.match(message, right);
        }
      }
    });

    it(`${flag} must not be empty; ${variable} may, and is unset then`, () => {
      for (const args of [[`${flag}=`], [`${flag}= `], [`${flag}=\t`]]) {
        assert.equal(
          messageOf(args),
          `${flag} is empty; leave it out for its default`,
        );
      }
      assert.deepEqual(
        parseConfig([], { [variable]: "" }),
        parseConfig([], {}),
      );
    });

    it(`${flag} misspelled is named with what was meant, and its value is not`, () => {
      const value = "hunter2hunter2";
      for (
        const wrong of [
          `${flag}x`,
          flag.slice(0, -1),
          flag.replaceAll("-", "_").replace("__", "--") + "_",
          flag.toUpperCase(),
        ]
      ) {
        if (wrong === flag) continue;
        const message = messageOf([`${wrong}=${value}`]);
        assert.match(message, /^Unknown setting '--|^Argument 1 is no setting/);
        assert.match(message, /did you mean --[a-z-]+\? --help/);
        assert.ok(!message.includes(value), message);
      }
      assert.match(
        messageOf([`${flag}x=1`]),
        new RegExp(`did you mean ${flag}\\?`),
      );
      for (
        const wrong of [variable + "S", variable.toLowerCase(), variable + "_"]
      ) {
        const message = messageOf([], { [wrong]: value });
        assert.equal(
          message,
          `Unknown variable ${wrong}; did you mean ${variable}? --help lists what there is`,
        );
      }
    });
  }
});
