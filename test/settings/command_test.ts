// The help text of commands, and what becomes of a command line.
import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import { askedBy, parsedBy } from "../../src/settings/command.ts";
import { HELP_FLAG, helpText } from "../../src/settings/command_help.ts";
import { FlagError } from "../../src/settings/flags.ts";

describe("helpText()", () => {
  it("has what the command does, each way to call it, arguments and flags with defaults, and what follows", () => {
    const text = helpText({
      task: "brew",
      does: "Make tea",
      usage: ["CUP [flags]", "--list"],
      args: [["CUP", "its name"]],
      flags: {
        list: { type: "boolean", short: "l", help: "show the cups" },
        time: { type: "string", unit: "S", help: "how long", default: "180" },
        heat: {
          type: "string",
          group: "Water",
          unit: "K",
          help: "its temperature",
          preset: "as it comes",
        },
        ...HELP_FLAG,
      },
      more: "It needs water.",
    });
    assert.equal(
      text,
      `Make tea

Usage: deno task brew CUP [flags]
       deno task brew --list

  CUP           its name
  -l, --list    show the cups
      --time S  how long (default 180)

Water:
      --heat K  its temperature (default as it comes)

  -h, --help    show this text

It needs water.
`,
    );
  });

  it("breaks long lines between words, and gives a long name a line of its own", () => {
    const words = Array.from({ length: 60 }, (_, i) => `word${i}`);
    const lines = helpText({
      task: "t",
      does: "Do",
      usage: [""],
      flags: {
        a: { type: "string", unit: "N".repeat(40), help: words.join(" ") },
        ...HELP_FLAG,
      },
    }).split("\n");
    assert.ok(lines.every((line) => line.length <= 110));
    const at = lines.findIndex((line) => line.includes("NNN"));
    assert.ok(!lines[at]!.includes("word"));
    assert.deepEqual(
      lines.join(" ").match(/word\d+/g),
      words,
    );
  });
});

describe("parsedBy()", () => {
  it("has the options, asks for the help, or says what is wrong and where more is", () => {
    assert.deepEqual(parsedBy(() => 1), { kind: "options", options: 1 });
    assert.deepEqual(parsedBy(() => "help"), { kind: "help" });
    assert.deepEqual(parsedBy(() => "version"), { kind: "version" });
    assert.deepEqual(
      parsedBy(() => {
        throw new FlagError("--x is wrong");
      }),
      { kind: "error", message: "--x is wrong; --help shows all" },
    );
    assert.throws(() =>
      parsedBy(() => {
        throw new Error("a fault of the program");
      }), /a fault of the program/);
  });
});

describe("askedBy()", () => {
  it("is what the last flags ask for: help before the version", () => {
    assert.equal(askedBy({}), null);
    assert.equal(askedBy({ version: true }), "version");
    assert.equal(askedBy({ help: true, version: true }), "help");
  });
});
