// The whole way with nothing of our own at either end: Apache Kafka, Arrakis's publisher, clients as users have them.
// Invariant: whatever a client received equals, bit for bit, what the publisher wrote down before it published.
import { after, before, describe, it } from "@std/testing/bdd";
import assert from "node:assert/strict";
import { tableFromIPC } from "apache-arrow";
import { tableFromIPC as flechetteTable } from "@uwdata/flechette";
import { EventSource } from "eventsource";
import { canRun } from "../../scripts/optional_parts.ts";
import { secondsText } from "../../src/blocks/time_text.ts";
import { BrowserPage } from "./browser_page.ts";
import { type Chain, PARTS, Process, startChain, streamUrl } from "./chain.ts";
import { assertConsecutive, Published } from "./published.ts";

const ROWS_MIN = 32;
const DURATION_S = 3;
const BOUNDED_MS = 20_000;
/** A stream of DURATION_S seconds has 16 rows a second; one may fall on either edge. */
const DURATION_ROWS_MIN = DURATION_S * 16 - 1;

interface EventRow {
  readonly id: string;
  readonly data: string;
}

const runnable = canRun([
  PARTS.kafka,
  PARTS.python,
  PARTS.curl,
  PARTS.chromium,
]);

describe(
  "Kafka to clients, end to end",
  { ignore: !runnable, skip: !runnable },
  () => {
    let chain: Chain;
    let names: string[];

    before(async () => {
      chain = await startChain({
        channels: 20,
        secondsMax: 300,
        partialEvery: 3,
      });
      names = new Published(chain.directory).channels.map((channel) =>
        channel.name
      ).sort();
    });
    after(() => chain?.close());

    function checkEvents(rows: readonly EventRow[]): void {
      const published = new Published(chain.directory);
      const parsed = rows.map((row) =>
        JSON.parse(row.data) as {
          time: string;
          channels: Record<string, unknown>;
        }
      );
      assertConsecutive(parsed.map((row) => BigInt(row.time)), {
        strideNs: published.strideNs,
        countMin: ROWS_MIN,
      });
      parsed.forEach((row, i) => {
        const timeNs = BigInt(row.time);
        assert.equal(rows[i]!.id, String(timeNs + published.strideNs));
        assert.deepEqual(Object.keys(row.channels).sort(), names);
        for (const name of names) {
          published.assertJson(timeNs, name, row.channels[name]);
        }
      });
      assert.ok(
        parsed.some((row) => Object.values(row.channels).includes(null)),
        "no partial block was seen",
      );
    }

    function checkArrow(
      times: readonly bigint[],
      at: (name: string, row: number) => ArrayBufferView | null,
    ): void {
      const published = new Published(chain.directory);
      assertConsecutive(times, {
        strideNs: published.strideNs,
        countMin: DURATION_ROWS_MIN,
      });
      times.forEach((timeNs, row) => {
        for (const name of names) {
          published.assertBytes(timeNs, name, at(name, row));
        }
      });
    }

    async function curl(
      ...args: string[]
    ): Promise<{ code: number; body: Uint8Array<ArrayBuffer> }> {
      const { code, stdout } = await new Deno.Command(PARTS.curl.program!, {
        args: ["--silent", "--no-buffer", "--fail", ...args],
        stdin: "null",
        stderr: "inherit",
      }).output();
      return { code, body: stdout };
    }

    async function python(script: string, ...args: string[]): Promise<string> {
      const process = new Process(script, PARTS.python.program!, [
        `test/integration/python/${script}`,
        ...args,
      ]);
      const code = await process.ends();
      assert.equal(code, 0, process.log);
      return process.output;
    }

    it("lists the publisher's channels", async () => {
      const response = await fetch(
        `${chain.qanatUrl}/v1/channels?publisher=H1QNT`,
      );
      const text = await response.text();
      assert.equal(response.status, 200, text);
      for (const name of names) {
        assert.ok(
          text.includes(`"${name}"`),
          `${name} is not listed: ${text.slice(0, 300)}`,
        );
      }
    });

    it("/v1/latest has the newest row of channels that no client reads, in JSON and Arrow", async () => {
      const url = streamUrl(chain.qanatUrl, "latest", names);
      const json = await (await fetch(url)).json();
      const published = new Published(chain.directory);
      const startNs = BigInt(json.time);
      for (const name of names) {
        published.assertJson(startNs, name, json.channels[name]);
      }
      const accept = "application/vnd.apache.arrow.stream";
      const answer = await fetch(url, { headers: { accept } });
      const table = flechetteTable(new Uint8Array(await answer.arrayBuffer()), {
        useBigInt: true,
      });
      assert.equal(table.numRows, 1);
      const timeNs = table.getChild("time").at(0) as bigint;
      assert.ok(timeNs >= startNs);
      const later = new Published(chain.directory);
      // Read before the newest row was requested, or at most a few rows after it.
      assert.ok(later.times.at(-1)! - timeNs < 5_000_000_000n);
      for (const name of names) {
        later.assertBytes(timeNs, name, table.getChild(name).at(0));
      }
    });

    it("a stream with latest=1 begins with a row that is over, and loses none", async () => {
      const { body } = await curl(
        "--max-time",
        "4",
        `${streamUrl(chain.qanatUrl, "events", names)}&latest=1`,
      );
      const events = parseEvents(new TextDecoder().decode(body));
      checkEvents(events.filter((event) => event.event === "message"));
    });

    it("curl reads /v1/events", async () => {
      const url = streamUrl(chain.qanatUrl, "events", names);
      const { code, body } = await curl("--max-time", "4", url);
      assert.equal(
        code,
        28,
        "curl ends by its own time limit, the stream never does",
      );
      const events = parseEvents(new TextDecoder().decode(body));
      assert.equal(events[0]?.event, "hello");
      checkEvents(events.filter((event) => event.event === "message"));
    });

    it("curl reads a bounded /v1/arrow to its proper end", async () => {
      const { code, body } = await curl(
        "--max-time",
        "20",
        streamUrl(chain.qanatUrl, "arrow", names, DURATION_S),
      );
      assert.equal(code, 0);
      assert.equal(body.slice(-8).toHex(), "ffffffff00000000");
    });

    it("/v1/data has the samples of a range as lines of JSON and as CSV", async () => {
      const published = new Published(chain.directory);
      const { sampleRate, samples } = published.channels[0]!;
      const same = published.channels.filter((c) => c.sampleRate === sampleRate)
        .map(({ name }) => name).sort();
      const startNs = published.times[0]!;
      const range = `&start=${secondsText(startNs)}&duration=1`;
      const url = streamUrl(chain.qanatUrl, "data", same) + range;
      const [text, csv] = await Promise.all(
        ["ndjson", "csv"].map(async (format) => {
          const answer = await fetchBounded(`${url}&format=${format}`);
          assert.equal(answer.status, 200);
          return (await answer.text()).trimEnd().split("\n");
        }),
      );
      const lines = text!.map((line) => JSON.parse(line));
      assert.deepEqual(lines.pop(), { end: { reason: "complete" } });
      assert.equal(lines.length, sampleRate);
      assert.equal(csv!.length, 1 + sampleRate);
      for (let from = 0; from < lines.length; from += samples) {
        const timeNs = startNs +
          BigInt(from / samples) * published.strideNs;
        assert.equal(lines[from].gps_ns, String(timeNs));
        assert.equal(csv![1 + from]!.split(",")[1], String(timeNs));
        for (const name of same) {
          const values = lines.slice(from, from + samples).map((line) =>
            line.channels[name]
          );
          const isNull = values.every((value) => value === null);
          const isFloat = published.channel(name).dataType.startsWith("float");
          published.assertJson(
            timeNs,
            name,
            isNull
              ? null
              : values.map((value) =>
                isFloat && typeof value === "string" ? null : value
              ),
          );
        }
      }
    });

    it("apache-arrow for JavaScript reads a bounded /v1/arrow", async () => {
      const response = await fetchBounded(
        streamUrl(chain.qanatUrl, "arrow", names, DURATION_S),
      );
      assert.equal(
        response.headers.get("content-type"),
        "application/vnd.apache.arrow.stream",
      );
      const table = tableFromIPC(await response.bytes());
      assert.deepEqual(table.schema.fields.map((field) => field.name), [
        "time",
        ...names,
      ]);
      const times = [...table.getChild("time")!] as bigint[];
      checkArrow(
        times,
        (name, row) => table.getChild(name)!.get(row)?.toArray() ?? null,
      );
    });

    it("flechette reads a bounded /v1/arrow", async () => {
      const response = await fetchBounded(
        streamUrl(chain.qanatUrl, "arrow", names, DURATION_S),
      );
      const table = flechetteTable(await response.bytes(), { useBigInt: true });
      assert.deepEqual(table.names, ["time", ...names]);
      const times = [...table.getChild("time")] as bigint[];
      checkArrow(
        times,
        (name, row) => table.getChild(name).at(row) as ArrayBufferView | null,
      );
    });

    it("pyarrow reads a live /v1/arrow row by row", async () => {
      const output = await python(
        "read_arrow.py",
        streamUrl(chain.qanatUrl, "arrow", names),
        "48",
      );
      const rows = output.trim().split("\n").slice(1)
        .map((line) =>
          JSON.parse(line) as {
            time: string;
            columns: Record<string, string | null>;
          }
        );
      checkArrow(rows.map((row) => BigInt(row.time)), (name, row) => {
        const base64 = rows[row]!.columns[name];
        return base64 === null || base64 === undefined
          ? null
          : Uint8Array.fromBase64(base64);
      });
    });

    it("pyarrow sees the schema that Arrakis's own client gets", async () => {
      const ours = await python(
        "read_arrow.py",
        streamUrl(chain.qanatUrl, "arrow", names),
        "1",
      );
      const theirs = JSON.parse(
        await python("client_schema.py", chain.arrakisUrl, names.join(",")),
      );
      const { schema } = JSON.parse(ours.split("\n")[0]!);
      assert.deepEqual(schema, theirs.received);
      assert.deepEqual(schema, theirs.described);
    });

    it("Node's eventsource reads /v1/events", async () => {
      const source = new EventSource(
        streamUrl(chain.qanatUrl, "events", names),
      );
      const rows: EventRow[] = [];
      let hellos = 0;
      source.addEventListener("hello", () => hellos++);
      await new Promise<void>((resolve, reject) => {
        const timer = setTimeout(
          () => reject(new Error(`${rows.length} rows in 20 s`)),
          20_000,
        );
        source.onerror = (error) =>
          reject(new Error(`eventsource: ${error.message}`));
        source.onmessage = (event) => {
          rows.push({ id: event.lastEventId, data: event.data as string });
          if (rows.length < ROWS_MIN) return;
          clearTimeout(timer);
          resolve();
        };
      }).finally(() => source.close());
      assert.equal(hellos, 1);
      checkEvents(rows);
    });

    it("Chromium's EventSource reads /v1/events", async () => {
      const page = await BrowserPage.open(PARTS.chromium.program!);
      try {
        await page.goto(`${chain.qanatUrl}/`);
        const url = JSON.stringify(streamUrl(chain.qanatUrl, "events", names));
        // As text: the code runs in the page, whose names are not ours.
        const collect = `new Promise((resolve, reject) => {
        const source = new EventSource(${url});
        const rows = [];
        setTimeout(() => reject(new Error(rows.length + " rows in 20 s")), 20000);
        source.onmessage = (event) => {
          rows.push({ id: event.lastEventId, data: event.data });
          if (rows.length >= ${ROWS_MIN}) { source.close(); resolve(rows); }
        };
      })`;
        checkEvents(await page.evaluate(collect) as EventRow[]);
      } finally {
        await page.close();
      }
    });

    it("SIGTERM with a client attached ends its stream and exits 0 within 5 s", async () => {
      const response = await fetchBounded(
        streamUrl(chain.qanatUrl, "arrow", names),
      );
      const body = response.bytes();
      const { code, tookMs } = await chain.qanat.stop();
      assert.equal(code, 0, chain.qanat.log);
      assert.ok(tookMs < 5000, `took ${tookMs} ms`);
      assert.equal((await body).slice(-8).toHex(), "ffffffff00000000");
    });
  },
);

/** A request whose body must end: with a time limit on the whole, so that an endless one fails. */
function fetchBounded(url: string): Promise<Response> {
  return fetch(url, { signal: AbortSignal.timeout(BOUNDED_MS) });
}

/** Events of a text/event-stream, as a browser would dispatch them; one that was cut off is dropped. */
function parseEvents(
  text: string,
): { event: string; id: string; data: string }[] {
  const events = [];
  let id = "";
  for (const block of text.split("\n\n").slice(0, -1)) {
    let event = "message";
    const data = [];
    for (const line of block.split("\n")) {
      const [, field, value = ""] = line.match(/^([^:]*):? ?(.*)$/) ?? [];
      if (field === "event") event = value;
      else if (field === "id") id = value;
      else if (field === "data") data.push(value);
    }
    if (data.length > 0) events.push({ event, id, data: data.join("\n") });
  }
  return events;
}
