// What the page's "Copy as" gives, run as it is pasted: curl, JavaScript, pyarrow, polars, DuckDB, live and past.
import { after, before, describe, it } from "@std/testing/bdd";
import {
  Field,
  Float32,
  Int64,
  List,
  Table,
  tableToIPC,
  type Vector,
  vectorFromArray,
} from "apache-arrow";
import assert from "node:assert/strict";
import { canRun } from "../../scripts/optional_parts.ts";
import { nowGpsNs } from "../../src/blocks/gps_time.ts";
import { textsOf } from "../../src/page/copy_texts.js";
import { HOSTILE_NAMES } from "../hostile_names.ts";
import { launchQanat, PARTS } from "./chain.ts";

const runnable = canRun([PARTS.python, PARTS.curl]);
const NAMES = ["H1:GWOSC-4KHZ_R1_WHITENED", "H1:QANAT-COUNT_I64_16"];

describe("Copy as", { ignore: !runnable, skip: !runnable }, () => {
  let server: ReturnType<typeof launchQanat>;
  let folder: string;
  before(async () => {
    server = launchQanat([]);
    await server.qanat.answers(`${server.url}/readyz`);
    folder = await Deno.makeTempDir({ prefix: "qanat-copy-" });
  });
  after(async () => {
    await server?.qanat.stop();
    if (folder) await Deno.remove(folder, { recursive: true });
  });

  async function run(program: string, args: string[]): Promise<string> {
    const { code, stdout, stderr } = await new Deno.Command(program, {
      args,
      cwd: folder,
      stdin: "null",
    }).output();
    const text = new TextDecoder().decode(stdout);
    assert.equal(code, 0, text + new TextDecoder().decode(stderr));
    return text;
  }

  const texts = (live: boolean) => {
    const toS = Number(nowGpsNs()) / 1e9 - 5;
    const fromS = Math.floor(toS) - 1.5;
    return textsOf(
      {
        names: NAMES,
        live,
        fromS,
        toS: fromS + 1,
        rateOf: (name) => Number(name.match(/_(16)$/)?.[1] ?? 4096),
      },
      `${server.url}/`,
    );
  };

  it("curl: events and a file of exactly what is shown", async () => {
    const out = await run("bash", ["-c", texts(false).curl!]);
    assert.equal(out.match(/^data: \{"time"/gm)!.length, 16);
    const { size } = await Deno.stat(`${folder}/shown.arrows`);
    assert.ok(size > 16 * 256 * 4, `${size} bytes`);
  });

  it("CSV: a file of each sample rate, of exactly what is shown", async () => {
    await run("bash", ["-c", texts(false).CSV!]);
    for (const [i, name] of NAMES.entries()) {
      const path = `${folder}/shown${i === 0 ? "" : "_2"}.csv`;
      const lines = (await Deno.readTextFile(path)).trimEnd().split("\n");
      assert.equal(lines[0], `time,gps_ns,${name},status`);
      assert.equal(lines.length, 1 + (i === 0 ? 4096 : 16));
    }
  });

  it("pandas: a table of each sample rate", async () => {
    const out = await run(PARTS.python.program!, ["-c", texts(false).pandas!]);
    for (const rows of [4096, 16]) {
      assert.ok(out.includes(`[${rows} rows x 4 columns]`), out);
    }
  });

  it("JavaScript: a range, and what is live", async () => {
    const deno = (text: string) => {
      Deno.writeTextFileSync(`${folder}/shown.mjs`, text);
      return run(Deno.execPath(), [
        "run",
        "--no-config",
        "--no-lock",
        "--quiet",
        "--allow-net=127.0.0.1",
        `--allow-import=127.0.0.1:${server.port}`,
        "--reload",
        "shown.mjs",
      ]);
    };
    const past = await deno(texts(false).JavaScript!);
    assert.equal(past.match(/^\d{19}n /gm)!.length, 16);
    const live = await deno(
      texts(true).JavaScript! + "\nsetTimeout(() => Deno.exit(), 1500);\n",
    );
    assert.ok(live.match(/^\d{19}n /gm)!.length >= 8, live);
  });

  for (const kind of ["pyarrow", "polars", "DuckDB"]) {
    it(`${kind}: a range`, async () => {
      const out = await run(PARTS.python.program!, ["-c", texts(false)[kind]!]);
      assert.match(out, /\b16\b/);
    });
  }

  it("pyarrow: ten seconds of what is live", async () => {
    const text = texts(true).pyarrow!.replace("duration=10", "duration=1");
    assert.match(await run(PARTS.python.program!, ["-c", text]), /1[56] rows/);
  });
});

/** Runs each of the texts that come as JSON on standard input, in this one process. */
const RUN_ALL = `import json, sys
for text in json.load(sys.stdin):
    exec(compile(text, "copied", "exec"), {})
`;
const ROWS = 3;
const LINES = "time,gps_ns,x,status\n2026-11-27T03:10:27Z,1,2.5,ok\n";

/** A stream of rows with a column of each name. */
function arrowOf(names: readonly string[]): Uint8Array<ArrayBuffer> {
  const samples = new List(new Field("item", new Float32(), true));
  const columns: Record<string, Vector> = {
    time: vectorFromArray([0n, 1n, 2n], new Int64()),
  };
  for (const name of names) {
    columns[name] = vectorFromArray([[1, 2], [3, 4], [5, 6]], samples);
  }
  return new Uint8Array(tableToIPC(new Table(columns), "stream"));
}

describe("Copy as Python", { ignore: !runnable, skip: !runnable }, () => {
  for (const kind of ["pandas", "pyarrow", "polars", "DuckDB"]) {
    it(`${kind}: asks for hostile names, shows them, and does nothing else`, async () => {
      const asked: string[][] = [];
      const folder = await Deno.makeTempDir({ prefix: "qanat-copy-" });
      const server = Deno.serve(
        { hostname: "127.0.0.1", port: 0, onListen: () => {} },
        async (request) => {
          const names: string[] = request.method === "POST"
            ? (await request.json()).channels
            : new URL(request.url).searchParams.get("channels")!.split(",");
          asked.push(names);
          return new Response(kind === "pandas" ? LINES : arrowOf(names));
        },
      );
      try {
        const base = `http://127.0.0.1:${server.addr.port}/`;
        const texts = HOSTILE_NAMES.map((name) =>
          textsOf(
            { names: [name, "H1:A"], live: false, fromS: 1, toS: 2 },
            base,
          )[kind]!
        );
        const child = new Deno.Command(PARTS.python.program!, {
          args: ["-c", RUN_ALL],
          cwd: folder,
          stdin: "piped",
          stdout: "piped",
          stderr: "piped",
        }).spawn();
        const writer = child.stdin.getWriter();
        await writer.write(new TextEncoder().encode(JSON.stringify(texts)));
        await writer.close();
        const { success, stdout, stderr } = await child.output();
        const out = new TextDecoder().decode(stdout);
        assert.ok(success, out + new TextDecoder().decode(stderr));
        assert.deepEqual(asked, HOSTILE_NAMES.map((name) => [name, "H1:A"]));
        assert.deepEqual([...Deno.readDirSync(folder)], []);
        if (kind === "pyarrow") {
          assert.equal(
            out.match(new RegExp(`^${ROWS} rows$`, "gm"))?.length,
            HOSTILE_NAMES.length,
          );
        }
        // The peak of the column that is named, in each.
        if (kind === "DuckDB") {
          assert.equal(out.match(/\b6\.0\b/g)?.length, HOSTILE_NAMES.length);
        }
      } finally {
        await server.shutdown();
        await Deno.remove(folder, { recursive: true });
      }
    });
  }
});
