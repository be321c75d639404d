// `deno task tail` as people run it, against a started Qanat: lines, files, a server that dies in between.
// Invariant: what other readers see in a file is what the stream carried.
import assert from "node:assert/strict";
import { after, before, describe, it } from "@std/testing/bdd";
import { nowGpsNs } from "../../src/blocks/gps_time.ts";
import { canRun } from "../../scripts/optional_parts.ts";
import { launchQanat, PARTS, Process, sleep } from "./chain.ts";

const runnable = canRun([PARTS.python]);
/** One channel of each kind and rate that differs. */
const MATCH =
  "H1:(GWOSC-4KHZ_R1_.*|QANAT-(COUNT_[IU]64_16|NOISE_F32_256|RAMP_(I8|I16|U16)_64|STATE_U(8|32)_16|RAMP_I32_16))";

/** Compares the three files of one range, by pyarrow, polars and DuckDB. */
const COMPARE = `
import sys, polars as pl, duckdb, pyarrow as pa, pyarrow.parquet as pq, numpy as np
arrows, parquet, csv = sys.argv[1:]
a = pa.ipc.open_stream(arrows).read_all()
p = pq.read_table(parquet)
assert p.schema.names == a.schema.names
for field in a.schema:
    assert p.schema.field(field.name).metadata == field.metadata, field
assert p.cast(a.schema).equals(a), "pyarrow"
assert pl.read_parquet(parquet).equals(pl.read_ipc_stream(arrows)), "polars"
names = a.schema.names[1:]
for name in names:
    got = duckdb.sql(f'select "{name}" from read_parquet(\\'{parquet}\\') order by time').to_arrow_table()
    assert got.column(0).to_pylist() == a[name].to_pylist(), name
wide = {f.name: pl.UInt64 for f in a.schema if str(f.type) == "list<item: uint64>"}
c = pl.read_csv(csv, infer_schema_length=None, schema_overrides={"time": pl.Int64, **wide})
assert c.columns == a.schema.names
assert c["time"].is_sorted() and c["time"].n_unique() == c.height
for name in names:
    type = a.schema.field(name).type.value_type.to_pandas_dtype()
    expected = np.concatenate([row.values.to_numpy() for row in a[name] if row.is_valid])
    got = c[name].drop_nulls().to_numpy().astype(type)
    assert np.array_equal(got, expected), name
print(a.num_rows, c.height)
`;

describe("deno task tail", { ignore: !runnable, skip: !runnable }, () => {
  let directory: string;
  let qanat: Process;
  let url: string;
  let port: number;

  before(async () => {
    directory = await Deno.makeTempDir({ prefix: "qanat-tail-" });
    ({ qanat, url, port } = launchQanat([]));
    await qanat.answers(`${url}/readyz`);
  });
  after(async () => {
    await qanat?.stop();
    if (directory) await Deno.remove(directory, { recursive: true });
  });

  function tail(...args: string[]): Process {
    return new Process("tail", Deno.execPath(), [
      "task",
      "--quiet",
      "tail",
      "--url",
      url,
      ...args,
    ]);
  }

  async function ran(
    ...args: string[]
  ): Promise<{ code: number; out: string; log: string }> {
    const process = tail(...args);
    const code = await process.ends();
    return { code, out: process.output, log: process.log };
  }

  async function compare(base: string): Promise<string> {
    const process = new Process("compare", PARTS.python.program!, [
      "-c",
      COMPARE,
      `${base}.arrows`,
      `${base}.parquet`,
      `${base}.csv`,
    ]);
    assert.equal(await process.ends(), 0, process.log);
    return process.output.trim();
  }

  /** GPS seconds so long ago. */
  const ago = (seconds: number) =>
    String(nowGpsNs() / 1_000_000_000n - BigInt(seconds));

  it("lists channels, the name first", async () => {
    const { code, out } = await ran("--list", "--match", "H1:GWOSC.*");
    assert.equal(code, 0);
    assert.match(
      out,
      /^H1:GWOSC-4KHZ_R1_STRAIN\tfloat64\t4096 Hz\tH1GWOSC\tlive$/m,
    );
    assert.equal(out.trim().split("\n").length, 2);
    const none = await ran("--list", "--match", "nothing");
    assert.equal(none.code, 2);
    assert.equal(none.out, "");
    assert.match(none.log, /No channel matches 'nothing'/);
  });

  it("prints a line for each channel and row when it is no terminal, and ends by itself", async () => {
    const { code, out } = await ran(
      "H1:GWOSC-4KHZ_R1_STRAIN,H1:QANAT-SINE_F32_16",
      "--start",
      ago(5),
      "--duration",
      "2",
    );
    assert.equal(code, 0);
    const [heading, ...lines] = out.trimEnd().split("\n");
    assert.match(heading!, /^gps_time\tchannel\tlast\t/);
    assert.equal(lines.length, 2 * 2 * 16);
    assert.match(
      lines[0]!,
      /^\d+\.0{9}\tH1:GWOSC-4KHZ_R1_STRAIN\t-?\d[\d.e-]+\t-?\d\S+\t-?\d\S+\t256\t\d+$/,
    );
  });

  it("downloads a range as .arrows, .parquet and .csv: the same to pyarrow, polars and DuckDB", async () => {
    const start = ago(20);
    for (const format of ["arrows", "parquet", "csv"]) {
      const { code, log } = await ran(
        "--match",
        MATCH,
        "--start",
        start,
        "--duration",
        "10",
        "-o",
        `${directory}/range.${format}`,
      );
      assert.equal(code, 0, log);
      assert.match(log, /range\.\w+: 160 rows, /);
    }
    // 10 s of 4096 Hz, and no other rate has samples between those.
    assert.equal(await compare(`${directory}/range`), "160 40960");
  });

  it("does not replace a file without --force", async () => {
    const path = `${directory}/kept.csv`;
    await Deno.writeTextFile(path, "mine");
    const args = ["H1:QANAT-SINE_F32_16", "--duration", "1", "-o", path];
    const refused = await ran(...args);
    assert.equal(refused.code, 2);
    assert.match(refused.log, /exists already; --force replaces it/);
    assert.equal(await Deno.readTextFile(path), "mine");
    const forced = await ran(...args, "--force");
    assert.equal(forced.code, 0, forced.log);
    assert.match(await Deno.readTextFile(path), /^time,H1:QANAT-SINE_F32_16\n/);
  });

  it("exits 2 with the server's words for what it refuses, and leaves no file", async () => {
    const { code, log } = await ran(
      "H1:GWOSC-4KHZ_R1_STRAIM",
      "--duration",
      "1",
      "-o",
      `${directory}/none.arrows`,
    );
    assert.equal(code, 2);
    assert.match(log, /No such channel.*Near: H1:GWOSC-4KHZ_R1_STRAIN/);
    for await (const { name } of Deno.readDir(directory)) {
      assert.doesNotMatch(name, /^none/);
    }
  });

  it("a download outlives a server that is killed and started again: no row lost, none twice", async () => {
    const start = ago(3);
    const args = [
      "--match",
      MATCH,
      "--start",
      start,
      "--duration",
      "13",
      "-o",
    ];
    const running = tail(...args, `${directory}/killed.arrows`);
    await sleep(4000);
    await qanat.kill9();
    ({ qanat } = launchQanat([], port));
    await qanat.answers(`${url}/readyz`);
    assert.equal(await running.ends(), 0, running.log);
    assert.match(running.log, /next attempt in \d/);
    for (const format of ["parquet", "csv"]) {
      const { code, log } = await ran(...args, `${directory}/killed.${format}`);
      assert.equal(code, 0, log);
    }
    // The embedded source says the same of the same time, so an unbroken download is the measure.
    assert.match(await compare(`${directory}/killed`), /^208 /);
  });

  it("stopped by SIGINT: what came is a whole file, under its own name only when no end was set", async () => {
    const open = tail("H1:QANAT-SINE_F32_16", "-o", `${directory}/open.arrows`);
    const bounded = tail(
      "H1:QANAT-SINE_F32_16",
      "--duration",
      "600",
      "-o",
      `${directory}/bounded.arrows`,
    );
    for (const name of ["open", "bounded"]) {
      while (await sizeOf(`${directory}/${name}.arrows.part`) < 2000) {
        await sleep(50);
      }
    }
    // The task runner has the signal, and hands it on.
    Deno.kill(open.pid, "SIGINT");
    Deno.kill(bounded.pid, "SIGINT");
    assert.equal(await open.ends(), 0, open.log);
    assert.equal(await bounded.ends(), 130, bounded.log);
    assert.match(bounded.log, /incomplete: .*bounded\.arrows\.part: \d+ rows/);
    for (const name of ["open.arrows", "bounded.arrows.part"]) {
      const bytes = await Deno.readFile(`${directory}/${name}`);
      assert.equal(bytes.slice(-8).toHex(), "ffffffff00000000");
    }
  });
});

async function sizeOf(path: string): Promise<number> {
  try {
    return (await Deno.stat(path)).size;
  } catch {
    return 0;
  }
}
