#!/usr/bin/env node
// Runs a command of Qanat with the Deno that npm has installed: `qanat --port 8080`, `qanat tail H1:…`, `qanat token …`.
// Invariant: a signal reaches Qanat, Qanat ends when npx has ended, and its exit code is that of this program.
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { constants } from "node:os";
import process from "node:process";
import { fileURLToPath } from "node:url";

const PARENT_CHECK_MS = 1000;
const root = fileURLToPath(new URL("..", import.meta.url));
const { commands } = JSON.parse(readFileSync(`${root}commands.json`, "utf8"));
const given = process.argv.slice(2);
const isNamed = Object.hasOwn(commands, given[0] ?? "");
const [program, ...options] = commands[isNamed ? given[0] : "start"];
const deno = createRequire(import.meta.url)("deno/install_api.cjs")
  .runInstall();
const child = spawn(
  deno,
  [
    ...["run", "--quiet", "--no-lock", "--config", `${root}deno.json`],
    ...options,
    root + program,
    ...(isNamed ? given.slice(1) : given),
  ],
  // The folder from which paths of flags count.
  {
    stdio: "inherit",
    env: { ...process.env, INIT_CWD: process.cwd() },
  },
);
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) {
  process.on(signal, () => child.kill(signal));
}
child.on("error", ({ message }) => {
  process.stderr.write(`Deno cannot be started: ${message}\n`);
  process.exit(1);
});
child.on("exit", (code, signal) => {
  process.exit(code ?? 128 + (constants.signals[signal] ?? 0));
});
if (process.env.npm_execpath !== undefined) {
  // npx ends on a signal without passing it on.
  const parent = process.ppid;
  setInterval(() => {
    if (process.ppid !== parent) child.kill("SIGTERM");
  }, PARENT_CHECK_MS).unref();
}
