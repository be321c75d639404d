// Topics of --topics against a real broker: what comes through Qanat equals what pyarrow reads from the same messages.
// Invariant: the topics are from a seed (QANAT_SEED), which each failure shows.
import assert from "node:assert/strict";
import { after, before, describe, it } from "@std/testing/bdd";
import { type KafkaBroker, startKafka } from "../../scripts/kafka/broker.ts";
import { canRun } from "../../scripts/optional_parts.ts";
import { freePort, launchQanat, PARTS, Process } from "./chain.ts";
import { until } from "./until.ts";

const runnable = canRun([PARTS.kafka, PARTS.python]);
const SCRIPT = new URL("./python/wide_topics.py", import.meta.url).pathname;
const SEED = Number(Deno.env.get("QANAT_SEED") ?? Date.now() % 1_000_000);

describe(
  `topics of Arrow, seed ${SEED}`,
  { ignore: !runnable, skip: !runnable },
  () => {
    let dir: string;
    let broker: KafkaBroker;
    const instances: ReturnType<typeof launchQanat>[] = [];

    before(async () => {
      dir = await Deno.makeTempDir({ prefix: "qanat-topics-" });
      const port = freePort();
      broker = await startKafka({ port, dir: `${dir}/kafka` });
      assert.match(
        await python("write", broker.address, String(SEED), dir),
        /^wrote \d+ messages/,
      );
      const flags = [
        `--kafka=${broker.address}`,
        `--topics=${dir}/topics.json`,
        "--relay-streams-max=64",
      ];
      const one = launchQanat(flags);
      const two = launchQanat([...flags, "--workers=2"]);
      instances.push(one, two);
      for (const { qanat } of instances) await qanat.says(/is serving on/);
      const relay = launchQanat([`--upstream=${one.url}`]);
      instances.push(relay);
      await relay.qanat.says(/is serving on/);
    });

    after(async () => {
      for (const { qanat } of instances.reverse()) await qanat.stop();
      await broker?.stop();
      if (dir) await Deno.remove(dir, { recursive: true });
    });

    async function python(...args: string[]): Promise<string> {
      const { code, stdout, stderr } = await new Deno.Command(
        PARTS.python.program!,
        { args: [SCRIPT, ...args], stdin: "null" },
      ).output();
      const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
      const logs = () => instances.map(({ qanat }) => qanat.log).join("\n");
      assert.equal(code, 0, `seed ${SEED}: ${text(stderr)}\n${logs()}`);
      return text(stdout);
    }

    const check = async (command: string, index: number) => {
      const { url } = instances[index]!;
      const said = await python(command, broker.address, dir, url);
      const [, blocks] = /equal (\d+)/.exec(said)!;
      assert.ok(Number(blocks) > 100, said);
    };

    it("come through one worker", () => check("check", 0));
    it("come through two workers", () => check("check", 1));
    it("come through a relay", () => check("check", 2));
    it("Qanat's own Arrow comes back", () => check("again", 0));

    it("counts messages that cannot be read, and names its channels", async () => {
      const { url } = instances[0]!;
      const metrics = await (await fetch(`${url}/metrics`)).text();
      const [, messages] = /^qanat_mapped_messages_total (\d+)$/m
        .exec(metrics)!;
      assert.ok(Number(messages) > 0);
      const answer = await fetch(`${url}/v1/channels/LIVE:A`);
      const { publisher, sample_rate, stride_ns } = await answer.json();
      assert.deepEqual(
        { publisher, sample_rate, stride_ns },
        { publisher: "live", sample_rate: 64, stride_ns: 250_000_000 },
      );
    });

    it("says since when its channels have data, and refuses ranges before", async () => {
      const name = "W0:C0";
      const seen = new Set<string>();
      for (const { url } of instances) {
        let from = "";
        await until(`the first time at ${url}, seed ${SEED}`, async () => {
          const answer = await fetch(`${url}/v1/channels/${name}`);
          from = (await answer.json()).available_from_ns ?? "";
          return from !== "";
        });
        seen.add(from);
        const end = `${from.slice(0, -9)}.${from.slice(-9)}`;
        const start = Number(from.slice(0, -9)) - 100;
        const before = await fetch(
          `${url}/v1/arrow?channels=${name}&start=${start}&end=${end}`,
        );
        assert.equal((await before.json()).code, "range_not_available");
      }
      assert.equal(seen.size, 1, [...seen].join());
    });

    it("a file that is wrong is refused, by its line", async () => {
      const file = `${dir}/wrong.json`;
      await Deno.writeTextFile(
        file,
        (await Deno.readTextFile(`${dir}/topics.json`))
          .replace(/"epoch": "\w+"/, '"epoch": "julian"'),
      );
      const { qanat } = launchQanat([
        `--kafka=${broker.address}`,
        `--topics=${file}`,
      ]);
      assert.equal(await qanat.ends(), 2);
      assert.match(
        qanat.log,
        /the file of --topics: line \d+: epoch must be one of gps, unix/,
      );
    });

    it("the recipe of a producer serves what it says", async () => {
      const [mapping, producer, request] = recipe();
      const file = `${dir}/recipe.json`;
      const program = `${dir}/producer.py`;
      await Deno.writeTextFile(file, mapping);
      await Deno.writeTextFile(
        program,
        producer.replace("127.0.0.1:9092", broker.address),
      );
      const writing = new Process("producer", PARTS.python.program!, [program]);
      const { qanat, url } = launchQanat([
        `--kafka=${broker.address}`,
        `--topics=${file}`,
      ]);
      try {
        await writing.says(/row \d+/);
        await qanat.answers(`${url}/v1/channels/X1:SENSOR-WAVE`);
        const { stdout } = await new Deno.Command("bash", {
          args: ["-c", request.replace("http://127.0.0.1:8080", url)],
        }).output();
        const rows = new TextDecoder().decode(stdout).split("\n")
          .filter((line) => line.startsWith('data: {"time"'))
          .map((line) => JSON.parse(line.slice(6)));
        assert.ok(rows.length >= 16, `${rows.length} rows`);
        const { channels } = rows.at(-1)!;
        assert.deepEqual(Object.keys(channels).sort(), [
          "X1:SENSOR-INSIDE",
          "X1:SENSOR-OUTSIDE",
          "X1:SENSOR-WAVE",
        ]);
        assert.equal(channels["X1:SENSOR-WAVE"].length, 256);
        assert.equal(channels["X1:SENSOR-INSIDE"].length, 1);
      } finally {
        await writing.stop();
        await qanat.stop();
      }
    });
  },
);

/** The file, the producer and the request of "Your own topic". */
function recipe(): [string, string, string] {
  const text = Deno.readTextFileSync(
    new URL("../../docs/recipes.md", import.meta.url),
  );
  const [, after] = text.split("\n## Your own topic\n");
  const part = after!.split("\n## ")[0]!;
  const block = (language: string) =>
    new RegExp("```" + language + "\\n([\\s\\S]*?)```").exec(part)![1]!;
  return [block("json"), block("python"), block("sh")];
}
