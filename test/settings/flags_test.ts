// Flags of publish, tail, kafka, scale: refused by name, and never with what may be a secret.
import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import { parseKafka } from "../../scripts/kafka.ts";
import { parseSettings } from "../../scripts/scale/settings.ts";
import { parsePublish } from "../../src/settings/publish_options.ts";
import { parseTail } from "../../src/tail/options.ts";

const SECRET = "hunter2";

/** What each command says of wrong flags, or null where it takes them. */
const COMMANDS: Readonly<
  Record<string, (...args: string[]) => string | null>
> = {
  publish: (...args) => {
    const parsed = parsePublish(args, "a:1");
    return parsed.kind === "error" ? parsed.message : null;
  },
  tail: (...args) => {
    const parsed = parseTail(["A", ...args], {});
    return parsed.kind === "error" ? parsed.message : null;
  },
  scale: (...args) => {
    const parsed = parseSettings(args);
    return parsed.kind === "error" ? parsed.message : null;
  },
  kafka: (...args) => {
    const parsed = parseKafka(args);
    return parsed.kind === "error" ? parsed.message : null;
  },
};

describe("flags of the commands", () => {
  for (const [name, wrongOf] of Object.entries(COMMANDS)) {
    it(`${name}: unknown ones are refused without what was typed`, () => {
      for (
        const args of [
          [`--kafka-pasword=${SECRET}`],
          ["--kafka-pasword", SECRET],
          [`--kafka-password${SECRET}`],
          [`-p${SECRET}`],
          [`--help=${SECRET}`],
          [`--\x1b[2J=${SECRET}`],
          [`--__proto__=${SECRET}`],
          [`--constructor=${SECRET}`],
        ]
      ) {
        const message = wrongOf(...args);
        assert.ok(message !== null, JSON.stringify(args));
        assert.ok(!message.includes(SECRET), message);
        assert.doesNotMatch(message, /\p{Cc}/u);
      }
    });
  }

  it("publish, scale, kafka: an argument that is no flag is refused by its position", () => {
    for (const name of ["publish", "scale", "kafka"]) {
      const message = COMMANDS[name]!("--help", SECRET);
      assert.match(
        message ?? "",
        /^Argument 2 is no flag, and only flags are taken/,
      );
    }
  });

  it("name what was meant", () => {
    assert.match(
      COMMANDS.publish!("--chanels=1") ?? "",
      /^Unknown flag '--chanels'; did you mean --channels\?/,
    );
    assert.match(
      COMMANDS.tail!("--duraton", "1") ?? "",
      /did you mean --duration\?; --help shows all$/,
    );
  });

  it("are given once, with a value", () => {
    const { publish } = COMMANDS;
    for (
      const [args, message] of [
        [
          ["--rate=1", "--rate=2"],
          "--rate is given twice, with different values",
        ],
        [["--rate"], "--rate needs a value"],
        [["--rate="], "--rate is empty; leave it out for its default"],
        [
          ["--rate", "--help"],
          "--rate needs a value; one that begins with a dash follows an equals sign",
        ],
        [
          [`--match=${"x".repeat(16_385)}`],
          "--match must be at most 16384 characters long, not 16385",
        ],
      ] as const
    ) assert.equal(publish!(...args), `${message}; --help shows all`);
  });
});

describe("the dashes of `deno task NAME -- …`", () => {
  it("are skipped where they come first", () => {
    const parsed = parsePublish(["--", "--rate=2"], "a:1");
    assert.ok(parsed.kind === "options");
    assert.equal(parsed.options.rate, 2);
  });
});

describe("parsePublish()", () => {
  it("takes what is in bounds", () => {
    const parsed = parsePublish(
      "--kafka=a:1,[::1]:2 --channels=1000000 --rate=0.5 --duration=10 --compression=zstd"
        .split(" "),
      "b:x",
    );
    assert.ok(parsed.kind === "options", JSON.stringify(parsed));
    assert.deepEqual(parsed.options, {
      brokers: ["a:1", "[::1]:2"],
      channels: 1_000_000,
      match: /(?:)/,
      rate: 0.5,
      durationMs: 10_000,
      compression: "zstd",
    });
    assert.equal(parsePublish(["-h"], undefined).kind, "help");
  });

  it("names what is out of bounds, or no such value", () => {
    for (
      const [arg, right] of [
        [
          "--channels=-1",
          "--channels must be a whole number from 0 to 1000000",
        ],
        ["--channels=1.5", "--channels must be a whole number"],
        ["--channels=1000001", "--channels must be a whole number"],
        ["--channels=1_0", "--channels must be a whole number"],
        ["--rate=0", "--rate must be a number from 0.001 to 1000000"],
        ["--rate=Infinity", "--rate must be a number"],
        ["--rate=1e3", "--rate must be a number"],
        ["--duration=0x10", "--duration must be a number from 0"],
        ["--compression=lz4", "--compression must be one of none, gzip"],
        ["--compression=toString", "--compression must be one of"],
        ["--match=(", "--match must be a regular expression"],
        ["--kafka=a", "--kafka must be HOST:PORT,…, not 'a'"],
        ["--kafka=a:99999", "--kafka must be HOST:PORT,… with ports from 1"],
        [`--kafka=u:${SECRET}@a:1`, "--kafka must be HOST:PORT,… without user"],
        [`--kafka=a:1,u:${SECRET}@b:1`, "--kafka must be HOST:PORT,…"],
      ] as const
    ) {
      const parsed = parsePublish([arg], "a:1");
      assert.ok(parsed.kind === "error", arg);
      assert.ok(parsed.message.startsWith(right), parsed.message);
      assert.ok(!parsed.message.includes(SECRET), parsed.message);
    }
  });

  it("names the variable where that is wrong", () => {
    for (const value of [`u:${SECRET}@a:1`, ",,", "a"]) {
      const parsed = parsePublish([], value);
      assert.ok(parsed.kind === "error");
      assert.match(parsed.message, /^QANAT_KAFKA must be HOST:PORT,…/);
      assert.ok(!parsed.message.includes(SECRET), parsed.message);
    }
    const parsed = parsePublish([], undefined);
    assert.ok(parsed.kind === "error");
    assert.match(parsed.message, /^--kafka HOST:PORT is needed/);
  });
});
