// --channel-notes with real clients: pyarrow, gwpy, Arrakis's client over Flight, Qanat's own package, `tail` and the page;
// the file of docs/notes.md, its changes with several workers, and a start that it prevents.
import assert from "node:assert/strict";
import { after, before, describe, it } from "@std/testing/bdd";
import { canRun } from "../../scripts/optional_parts.ts";
import { BrowserPage } from "./browser_page.ts";
import { freePort, launchQanat, PARTS, Process, sleep } from "./chain.ts";

const NAME = "H1:GWOSC-4KHZ_R1_STRAIN";
const WHITENED = "H1:GWOSC-4KHZ_R1_WHITENED";
const COUNT = "H1:QANAT-COUNT_I64_16";
const WORKERS = 2;
const SOON_MS = 20_000;
/** So many answers in a row: of connections that any of the workers may have taken. */
const ANSWERS = 20;

const hasPython = canRun([PARTS.python, PARTS.arrakisClients]);
const hasChromium = canRun([PARTS.chromium]);

/** The blocks of docs/notes.md. */
function documented(): { file: string; program: string } {
  const text = Deno.readTextFileSync(
    new URL("../../docs/notes.md", import.meta.url),
  );
  const block = (language: string) =>
    new RegExp("```" + language + "\\n([\\s\\S]*?)```").exec(text)![1]!;
  return { file: block("json"), program: block("python") };
}

interface Channel {
  readonly unit: string | null;
  readonly description: string | null;
  readonly range: readonly [number, number] | null;
}

describe("notes about channels", () => {
  const { file, program } = documented();
  const { notes } = JSON.parse(file) as {
    notes: (Partial<Channel> & { channel?: string; match?: string })[];
  };
  const [strain, whitened] = notes;
  let directory: string;
  let path: string;
  let flightPort: number;
  let qanat: Process;
  let url: string;
  let relay: Process;
  let relayUrl: string;

  before(async () => {
    directory = await Deno.makeTempDir({ prefix: "qanat-notes-" });
    path = `${directory}/notes.json`;
    await write(file);
    flightPort = freePort();
    ({ qanat, url } = launchQanat([
      `--workers=${WORKERS}`,
      `--flight-port=${flightPort}`,
      `--channel-notes=${path}`,
      "--relay-streams-max=32",
    ]));
    await qanat.answers(`${url}/readyz`);
    ({ qanat: relay, url: relayUrl } = launchQanat([
      `--upstream=${url}`,
      `--workers=${WORKERS}`,
    ]));
    await relay.answers(`${relayUrl}/readyz`);
  });
  after(async () => {
    await relay?.stop();
    await qanat?.stop();
    if (directory) await Deno.remove(directory, { recursive: true });
  });

  /** As docs/notes.md advises. */
  async function write(text: string): Promise<void> {
    await Deno.writeTextFile(`${path}.new`, text);
    await Deno.rename(`${path}.new`, path);
  }

  async function describeChannel(name: string, at = url): Promise<Channel> {
    const response = await fetch(
      `${at}/v1/channels/${encodeURIComponent(name)}`,
      { headers: { connection: "close" } },
    );
    return await response.json();
  }

  /** Resolves when all of some answers in a row are right. */
  async function until(isRight: () => Promise<boolean>): Promise<void> {
    const endMs = Date.now() + SOON_MS;
    for (let right = 0; right < ANSWERS;) {
      right = await isRight() ? right + 1 : 0;
      assert.ok(Date.now() < endMs, qanat.log);
      if (right === 0) await sleep(100);
    }
  }

  it("are those of the documented file", async () => {
    assert.deepEqual(
      await describeChannel(NAME).then(({ unit, description, range }) => ({
        channel: NAME,
        unit,
        description,
        range,
      })),
      strain,
    );
    const { unit, description } = await describeChannel(WHITENED);
    assert.deepEqual([unit, description], [null, whitened!.description]);
    assert.equal((await describeChannel(COUNT)).unit, "counts");
    const other = await describeChannel("H1:QANAT-SINE_F32_16");
    assert.deepEqual(
      [other.unit, other.description, other.range],
      [null, null, null],
    );
  });

  it("are shown by a relay, in all its workers", async () => {
    for (let i = 0; i < ANSWERS; i++) {
      const { unit, description, range } = await describeChannel(
        NAME,
        relayUrl,
      );
      assert.deepEqual({ channel: NAME, unit, description, range }, strain);
    }
    assert.equal((await describeChannel(COUNT, relayUrl)).unit, "counts");
  });

  it("reach pyarrow, gwpy and Arrakis's client", {
    ignore: !hasPython,
    skip: !hasPython,
  }, async () => {
    const process = new Process("channel_notes.py", PARTS.python.program!, [
      "test/integration/python/channel_notes.py",
      ...[url, String(flightPort), NAME],
    ]);
    assert.equal(await process.ends(), 0, process.log);
    const got = JSON.parse(process.output.trim().split("\n").at(-1)!);
    const { unit, description, range } = strain!;
    const noted = { rate: "4096", unit, description };
    assert.deepEqual(got, {
      row: noted,
      mean: noted,
      count: { rate: "4096" },
      flight: noted,
      described: [unit, description, range],
      gwpy: [unit, NAME, ""],
      arrakis: [NAME, 256],
      arrakis_finds: [NAME],
    });
  });

  it("are read by the documented program", {
    ignore: !hasPython,
    skip: !hasPython,
  }, async () => {
    const text = program.replaceAll("http://127.0.0.1:8080", url);
    const process = new Process("docs/notes.md", PARTS.python.program!, [
      "-c",
      text,
    ]);
    assert.equal(await process.ends(), 0, process.log);
    assert.match(process.output, /b'unit': b'strain'/);
  });

  it("are listed by tail", async () => {
    const process = new Process("tail", Deno.execPath(), [
      ...["task", "--quiet", "tail"],
      ...["--list", "--url", url, "--match", NAME],
    ]);
    assert.equal(await process.ends(), 0, process.log);
    assert.equal(
      process.output,
      `${NAME}\tfloat64\t4096 Hz\tH1GWOSC\tlive\tstrain\t${
        strain!.description
      }\n`,
    );
  });

  it("are shown by the page, in the list and at a plot", {
    ignore: !hasChromium,
    skip: !hasChromium,
  }, async () => {
    const page = await BrowserPage.open(PARTS.chromium.program!);
    try {
      await page.setViewport({ width: 1400, height: 1000 });
      await page.goto(`${url}/#series=${encodeURIComponent(NAME)}`);
      await page.until(
        `document.querySelector(".plot .meta")?.textContent.includes("· strain")`,
        SOON_MS,
      );
      assert.equal(
        await page.evaluate(`document.querySelector(".plot h2").title`),
        `${strain!.description}; usually -1.0000e-18 … 1.0000e-18 strain`,
      );
      await page.evaluate(`document.getElementById("find").click()`);
      const item = `document.querySelector('[data-name="${NAME}"]')`;
      await page.until(`${item} !== null && ${item}.closest("li")`, SOON_MS);
      const shown = await page.evaluate(
        `document.querySelector('.results [data-name="${NAME}"]').textContent`,
      );
      assert.match(String(shown), /float64 · 4,096 Hz · strain · H1GWOSC/);
      assert.ok(String(shown).includes(strain!.description!));
      assert.deepEqual(page.troubles, []);
    } finally {
      await page.close();
    }
  });

  it("change with the file, in all workers and at the relay, and no stream ends", async () => {
    const open = await fetch(`${url}/v1/events?channels=${NAME}`);
    const reader = open.body!.pipeThrough(new TextDecoderStream()).getReader();
    const hello = (await reader.read()).value!;
    assert.match(hello, /"unit":"strain"/);
    await write(JSON.stringify({ notes: [{ match: "H1", unit: "new" }] }));
    for (const at of [url, relayUrl]) {
      await until(async () => (await describeChannel(NAME, at)).unit === "new");
    }
    let text = "";
    while ((text.match(/^data: \{"time"/gm)?.length ?? 0) < 32) {
      const { value, done } = await reader.read();
      assert.ok(!done, text.slice(-500));
      text += value;
    }
    assert.doesNotMatch(text, /^event: (end|hello)$/m);
    await reader.cancel();
    await until(async () => {
      const again = await fetch(
        `${url}/v1/events?channels=${NAME}&duration=0.0625`,
        { headers: { connection: "close" } },
      );
      return (await again.text()).includes('"unit":"new"');
    });
  });

  it("stay when the file is wrong, and the log names the line", async () => {
    await write('{"notes": [\n{"match": "H1", "unit": ""}\n]}');
    const endMs = Date.now() + SOON_MS;
    const isReported = () =>
      qanat.log.includes("line 2: unit must be a text, and not empty");
    while (!isReported()) {
      assert.ok(Date.now() < endMs, qanat.log);
      await sleep(100);
    }
    assert.equal((await describeChannel(NAME)).unit, "new");
    const metrics = await (await fetch(`${url}/metrics`)).text();
    assert.match(metrics, /^qanat_channel_notes_valid 0$/m);
    assert.match(
      metrics,
      /^qanat_channel_notes_loads_total\{outcome="refused"\} 1$/m,
    );
  });

  it("prevent the start where the file is wrong", async () => {
    const { qanat: refused } = launchQanat([`--channel-notes=${path}`]);
    assert.equal(await refused.ends(), 2);
    assert.match(
      refused.log,
      /the file of --channel-notes: line 2: unit must be a text, and not empty/,
    );
  });
});
