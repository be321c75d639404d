// "Copy as" with hostile names: the shell's and JavaScript's texts are run, and ask for exactly the names that are shown.
import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import { textsOf } from "../../src/page/copy_texts.js";
import { HOSTILE_NAMES } from "../hostile_names.ts";

const PLAIN = ["H1:A", "H1:B_C"];
const shown = (names: string[], live: boolean) => ({
  names,
  live,
  fromS: 1_000_000_000,
  toS: 1_000_000_010,
});

/** Runs a text with a `curl` that prints its arguments; each call's arguments, and what it left in the folder. */
async function callsOf(text: string): Promise<string[][]> {
  const folder = await Deno.makeTempDir({ prefix: "qanat-copy-" });
  try {
    const { stdout, stderr, success } = await new Deno.Command("sh", {
      args: ["-c", `curl() { printf '%s\\0' "$@"; printf '\\n\\0'; }\n${text}`],
      cwd: folder,
      stdin: "null",
    }).output();
    assert.ok(success, new TextDecoder().decode(stderr));
    assert.deepEqual([...Deno.readDirSync(folder)], [], text);
    const words = new TextDecoder().decode(stdout).split("\0").slice(0, -1);
    const calls: string[][] = [[]];
    for (const word of words) {
      if (word === "\n") calls.push([]);
      else calls.at(-1)!.push(word);
    }
    return calls.slice(0, -1);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** The names that a call of curl asks for, as the server reads them. */
function namesOf(call: readonly string[]): unknown {
  const url = new URL(call.at(-1)!);
  const body = call.indexOf("-d");
  if (body >= 0) return JSON.parse(call[body + 1]!).channels;
  return url.searchParams.getAll("channels")
    .flatMap((value) => value.split(","));
}

describe("Copy as curl", () => {
  for (const live of [true, false]) {
    it(`asks for a hostile name and does nothing else, ${live ? "live" : "past"}`, async () => {
      for (const name of HOSTILE_NAMES) {
        const names = [...PLAIN, name];
        const { curl } = textsOf(shown(names, live), "http://127.0.0.1:8080/");
        assert.doesNotMatch(curl!, /[^\P{Cc}\n]|\p{Cf}|\p{Zl}|\p{Zp}/u);
        const calls = await callsOf(curl!);
        assert.equal(calls.length, 2, curl);
        for (const call of calls) assert.deepEqual(namesOf(call), names);
      }
    });
  }

  it("asks for a hostile name in lines of text, and does nothing else", async () => {
    for (const name of HOSTILE_NAMES) {
      const names = [...PLAIN, name];
      const { CSV } = textsOf(shown(names, false), "http://127.0.0.1:8080/");
      const [call, ...others] = await callsOf(CSV!);
      assert.deepEqual(others, []);
      assert.deepEqual(namesOf(call!), names);
    }
  });

  it("asks for all of them at once by a POST, which has no longest line", async () => {
    const { curl } = textsOf(
      shown([...HOSTILE_NAMES], false),
      "http://127.0.0.1:8080/",
    );
    for (const call of await callsOf(curl!)) {
      assert.deepEqual(namesOf(call), HOSTILE_NAMES);
      assert.match(call.join(" "), /"start":"1000000000","end":"1000000010"/);
    }
  });

  it("is a plain GET for usual names", () => {
    const { curl } = textsOf(shown(PLAIN, true), "http://h/qanat/");
    assert.equal(
      curl!.split("\n")[1],
      "curl -N 'http://h/qanat/v1/events?channels=H1:A,H1:B_C'",
    );
  });
});

describe("Copy as JavaScript", () => {
  it("hands over the names as they are, live and past", async () => {
    const got: unknown[] = [];
    const server = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen: () => {} },
      async (request) => {
        if (request.method === "POST") got.push(await request.json());
        const send =
          "(o) => fetch(import.meta.url, { method: 'POST', body: JSON.stringify([o.channels, o.trend]) })";
        return new Response(
          `export const openStream = ${send};\nexport const readRange = ${send};\n`,
          { headers: { "content-type": "text/javascript" } },
        );
      },
    );
    const folder = await Deno.makeTempDir({ prefix: "qanat-copy-" });
    try {
      const address = `127.0.0.1:${server.addr.port}`;
      for (const live of [true, false]) {
        const { JavaScript } = textsOf(
          { ...shown([...HOSTILE_NAMES], live), trend: "1s" },
          `http://${address}/`,
        );
        await Deno.writeTextFile(`${folder}/shown.mjs`, JavaScript!);
        const { success, stderr } = await new Deno.Command(Deno.execPath(), {
          args: [
            ..."run --no-config --no-lock --quiet --reload --no-prompt".split(
              " ",
            ),
            `--allow-net=${address}`,
            `--allow-import=${address}`,
            "shown.mjs",
          ],
          cwd: folder,
          stdin: "null",
        }).output();
        assert.ok(success, new TextDecoder().decode(stderr));
      }
      assert.deepEqual(got, [[HOSTILE_NAMES, "1s"], [HOSTILE_NAMES, "1s"]]);
      assert.deepEqual([...Deno.readDirSync(folder)].length, 1);
    } finally {
      await server.shutdown();
      await Deno.remove(folder, { recursive: true });
    }
  });
});
