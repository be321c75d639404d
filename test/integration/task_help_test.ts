// Every task of deno.json answers --help and -h, and refuses an unknown flag, in the same way, before it does anything.
// Invariant: what shows that nothing is started or written is that the program may only read.
import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import { canRun } from "../../scripts/optional_parts.ts";
import { freePort, PARTS } from "./chain.ts";

const ROOT = new URL("../..", import.meta.url);
const { tasks, version } = JSON.parse(
  Deno.readTextFileSync(new URL("deno.json", ROOT)),
) as {
  tasks: Record<string, { description: string; command: string }>;
  version: string;
};
const COLUMNS = 125;
/** Commands that have the flag --version. */
const FOR_USERS = ["start", "tail", "publish", "token", "edge"];
/** Lines of `start` show a setting, its meaning and its default, as docs/operating.md does. */
const LONG_LINES = ["start"];

interface Outcome {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

async function deno(args: readonly string[]): Promise<Outcome> {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [...args],
    cwd: ROOT,
    env: { NO_COLOR: "1" },
    stdin: "null",
  }).output();
  const decoder = new TextDecoder();
  return { code, out: decoder.decode(stdout), err: decoder.decode(stderr) };
}

/** The task's program with a flag, where it may read and do nothing else. */
function onlyReading(task: string, flag: string): Promise<Outcome> {
  const [, ...words] = tasks[task]!.command.split(" ");
  const args = words.flatMap((word) =>
    word.startsWith("-P=") ? ["--allow-read", "--allow-env"] : [word]
  );
  return deno([...args, flag]);
}

describe("tasks of deno.json", () => {
  for (const [task, { description, command }] of Object.entries(tasks)) {
    let long = "";

    it(`${task} is one program, with permissions of its own`, () => {
      assert.match(
        command,
        /^deno run --no-prompt --frozen (--\S+ )?-P=\w+ (--\S+ )?\S+\.ts( --check)?$/,
      );
    });

    it(`${task} --help starts and writes nothing, and says what the task does`, async () => {
      const { code, out, err } = await onlyReading(task, "--help");
      assert.equal(code, 0, err);
      long = out;
      const [does, empty, usage] = out.split("\n");
      assert.deepEqual([does, empty], [description, ""]);
      assert.ok(usage!.startsWith(`Usage: deno task ${task}`), usage);
      assert.match(out, /^ {2}-h, --help +show this text$/m);
      assert.ok(out.endsWith("\n") && !out.endsWith("\n\n"));
      if (LONG_LINES.includes(task)) return;
      const wide = out.split("\n").filter((line) => line.length > COLUMNS);
      assert.deepEqual(wide, []);
    });

    it(`${task} -h is the same, as a task`, async () => {
      const { code, out, err } = await deno(["task", task, "-h"]);
      assert.equal(code, 0, err);
      assert.equal(out, long);
    });

    it(`${task} --version says which Qanat it is, if it is a command for users`, async () => {
      const isListed = long.includes("\n      --version") ||
        long.includes("\n  --version");
      assert.equal(isListed, FOR_USERS.includes(task));
      if (!isListed) return;
      const { code, out, err } = await onlyReading(task, "--version");
      assert.equal(code, 0, err);
      assert.equal(out, `qanat ${version} (Deno/${Deno.version.deno})\n`);
    });

    it(`${task} refuses an unknown flag by its name`, async () => {
      const { code, out, err } = await onlyReading(task, "--no-such-flag");
      assert.equal(code, 2, err);
      assert.equal(out, "");
      assert.match(err, /^Unknown (?:flag|setting) '--no-such-flag'; /m);
      assert.match(err, /--help (?:shows all|lists what there is)$/m);
    });
  }
});

const hasJava = canRun([PARTS.kafka]);

describe("deno task kafka", { ignore: !hasJava, skip: !hasJava }, () => {
  for (
    const [taken, flag] of [[0, "--port"], [1, "--port"], [
      7,
      "--jmx-port",
    ]] as const
  ) {
    it(`names the port that is taken, before it starts anything: ${flag} + ${taken}`, async () => {
      const port = freePort();
      using _other = Deno.listen({
        hostname: "127.0.0.1",
        port: port + taken,
      });
      const { code, out, err } = await deno([
        "task",
        "kafka",
        `--port=${port}`,
        ...taken === 7 ? [`--jmx-port=${port + taken}`] : [],
      ]);
      assert.equal(code, 1, out + err);
      assert.equal(out, "");
      assert.ok(
        err.includes(`Port ${port + taken} of 127.0.0.1 (`) &&
          err.trimEnd().endsWith(`or choose another port with ${flag}`),
        err,
      );
    });
  }
});
