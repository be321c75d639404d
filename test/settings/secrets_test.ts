// No message shows a password, a token or a key, wherever it was typed by mistake.
import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import { parseConfig } from "../../src/config.ts";
import { shownValue } from "../../src/settings/shown.ts";

const SECRET = "hunter2";
const JWT = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJodW50ZXIyIn0.";

describe("an error of the settings", () => {
  const lines: [readonly string[], Record<string, string>][] = [
    [["--kafka", `user:${SECRET}@host:9092`], {}],
    [["--kafka", `a:9092,user:${SECRET}@host:9092,b`], {}],
    [["--kafka", `user:with,comma,${SECRET}@host:9092`], {}],
    [["--kafka", `user:with@${SECRET}@host:9092`], {}],
    [["--kafka", `SASL_SSL://user:${SECRET}@host:9092`], {}],
    [["--kafka", `host;user=u;password=${SECRET}`], {}],
    [[`--kafka-pasword=${SECRET}`], {}],
    [["--kafka-pasword", SECRET], {}],
    [[`--kafka-password${SECRET}`], {}],
    [[`--kafka-pasword${SECRET}`], {}],
    [[`--kafka-password:${SECRET}`], {}],
    [["--kafka-password", "two", SECRET], {}],
    [["--kafka-password", `${SECRET}\n`], {}],
    [["--kafka-password", SECRET, "--kafka-password", SECRET + "x"], {}],
    [["--upstream-token", `${SECRET} x`], {}],
    [["--upstream-token", SECRET], {}],
    [[], { QANAT_UPSTREAM_TOKEN: `${SECRET}\n` }],
    [[], { QANAT_UPSTREAM_TOKN: SECRET }],
    [["--kafka-user", "--kafka-password", SECRET], {}],
    [[`-p${SECRET}`], {}],
    [[SECRET], {}],
    [["--kafka-tls", SECRET], {}],
    [["--host", `http://user:${SECRET}@host`], {}],
    [["--base-path", `http://user:${SECRET}@host/qanat`], {}],
    [["--trusted-proxies", `user:${SECRET}@10.0.0.1`], {}],
    [["--log-level", `token=${SECRET}`], {}],
    [["--kafka-key", `-----BEGIN PRIVATE KEY-----\n${SECRET}`], {}],
    [["--kafka-token-file", ` ${SECRET}`], {}],
    [[], { QANAT_KAFKA: `user:${SECRET}@host:9092` }],
    [[], { QANAT_KAFKA_PASSWORD: `${SECRET}\r\n` }],
    [[], { QANAT_KAFKA_PASWORD: SECRET }],
    [[], { QANAT_KAFKA_KEY: `-----BEGIN PRIVATE KEY-----\n${SECRET}` }],
    [["--port=x"], { QANAT_KAFKA_PASSWORD: SECRET }],
    [["--kafka-sasl=plain"], { QANAT_KAFKA_PASSWORD: SECRET }],
  ];
  for (const [args, env] of lines) {
    const shown = JSON.stringify([...args, ...Object.entries(env).flat()]);
    it(`keeps the secret of ${shown}`, () => {
      const parsed = parseConfig(args, env);
      assert.ok(parsed.kind === "error", JSON.stringify(parsed));
      assert.ok(!parsed.message.includes(SECRET), parsed.message);
      assert.ok(!parsed.message.includes("\n"), parsed.message);
    });
  }

  it("says what to do where a broker has a user", () => {
    const parsed = parseConfig(["--kafka", `u:${SECRET}@host:9092`], {});
    assert.ok(parsed.kind === "error");
    assert.equal(
      parsed.message,
      "--kafka must be HOST:PORT,… without user and password, which --kafka-user and QANAT_KAFKA_PASSWORD take, not '***@host:9092'",
    );
  });

  it("never has the default of a help text show what a variable holds", () => {
    const parsed = parseConfig(["--help"], { QANAT_KAFKA_PASSWORD: SECRET });
    assert.ok(parsed.kind === "text");
    assert.ok(!parsed.text.includes(SECRET));
  });
});

describe("shownValue()", () => {
  it("shows ordinary text", () => {
    assert.equal(shownValue("nowhere"), "'nowhere'");
    assert.equal(shownValue("a:1,b"), "'a:1,b'");
  });

  it("hides what may be a secret", () => {
    for (
      const text of [
        `u:${SECRET}@h`,
        `required username="u" password="${SECRET}";`,
        `api_key: ${SECRET}`,
        `?token=${SECRET}`,
        `-----BEGIN KEY-----${SECRET}`,
      ]
    ) assert.ok(!shownValue(text).includes(SECRET), shownValue(text));
    assert.equal(shownValue(JWT), "'***'");
    assert.equal(
      shownValue("c29tZSBrZXkgdGhhdCBpcyBsb25nIGVub3VnaA=="),
      "'***'",
    );
  });

  it("is short, and nothing that a terminal acts on", () => {
    assert.equal(shownValue("\x1b[2J\u202e"), "'\\x1b[2J\\u202e'");
    assert.ok(shownValue("ab ".repeat(1000)).length < 70);
  });
});
