// How the figures of several threads become those of the process: each metric has its way, and no counter falls.
import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it } from "@std/testing/bdd";
import { Qanat } from "../../../src/app.ts";
import { LastFigures } from "../../../src/group/last_figures.ts";
import { ADDING } from "../../../src/telemetry/metrics/adding.ts";
import {
  type Figure,
  figuresOf,
  figuresText,
  fullName,
  processFigures,
  totalOf,
} from "../../../src/telemetry/metrics/figures.ts";
import {
  refusedAndMissed,
  refusedAndMissedOf,
} from "../../../src/telemetry/metrics/refused_and_missed.ts";
import { processMetricsText } from "../../../src/telemetry/metrics/worker_metrics.ts";
import { configWith, DrivenSource, silent } from "../../driven_source.ts";
import { knownFigures } from "./known_figures.ts";

let qanat: Qanat;

beforeEach(async () => {
  qanat = new Qanat({
    config: configWith({ retentionMb: 1 }),
    source: new DrivenSource([]),
    log: silent,
    ...knownFigures(),
  });
  await qanat.start();
});

afterEach(async () => {
  qanat.drain();
  await qanat.close();
});

function gauge(name: string, value: number): Figure {
  const values = [{ labels: {}, value }];
  return { name: `qanat_${name}`, help: "", type: "gauge", values };
}

function counter(name: string, value: number, label = "a"): Figure {
  const values = [{ labels: { reason: label }, value }];
  return { name: `qanat_${name}`, help: "", type: "counter", values };
}

const live = (...figures: Figure[]) => figuresText({ life: 1, figures });

describe("how figures are added up", () => {
  it("is said for each gauge, and for no metric that there is not", async () => {
    const figures = await qanat.figures();
    const names = new Set(figures.map(({ name }) => name));
    const said = new Set(Object.keys(ADDING).map(fullName));
    for (const { name, type } of figures) {
      if (type !== "gauge") continue;
      assert.ok(said.has(name), `${name} is not in adding.ts`);
    }
    for (const name of said) assert.ok(names.has(name), `there is no ${name}`);
  });

  it("leaves the figures of one thread as they are", async () => {
    const figures = await qanat.figures();
    const now = figuresOf(figuresText(figures));
    const { text } = await processMetricsText({
      reading: [],
      workers: [{ worker: 0, hasAnswered: true, now, ended: [] }],
    });
    const alone = (await qanat.metrics()).text;
    const without = (lines: string) =>
      lines.split("\n").filter((line) =>
        !/qanat_(uptime|worker_|ring_held|event_loop)/.test(line)
      ).join("\n").trimEnd();
    assert.equal(without(text), without(alone));
  });

  it("doubles the sums of two equal threads, and nothing else", async () => {
    const now = await qanat.figures();
    const both = processFigures([], [{ now, ended: [] }, { now, ended: [] }]);
    for (const { name } of now) {
      const short = name.replace(/^qanat_/, "");
      const way = (ADDING as Record<string, string>)[short] ?? "sum";
      const factor = way === "sum" ? 2 : 1;
      assert.equal(
        totalOf(both, short),
        factor * totalOf(now, short),
        `${name} ${way}`,
      );
    }
  });

  it("takes the largest, the smallest, or what the reading thread has", () => {
    const [a, b] = [
      [gauge("uptime_seconds", 3), gauge("ready", 1), gauge("channels", 7)],
      [gauge("uptime_seconds", 5), gauge("ready", 0), gauge("channels", 8)],
    ] as const;
    const workers = [{ now: a, ended: [] }, { now: b, ended: [] }];
    const all = processFigures([gauge("channels", 6)], workers);
    assert.equal(totalOf(all, "uptime_seconds"), 5);
    assert.equal(totalOf(all, "ready"), 0);
    assert.equal(totalOf(all, "channels"), 6);
    // The reading thread did not answer.
    assert.equal(totalOf(processFigures([], workers), "channels"), 8);
  });

  it("adds values of the same label, and keeps all labels", () => {
    const all = processFigures([], [
      { now: [counter("gaps_total", 1, "slow")], ended: [] },
      { now: [counter("gaps_total", 2, "missing")], ended: [] },
      { now: [counter("gaps_total", 4, "slow")], ended: [] },
    ]);
    assert.equal(totalOf(all, "gaps_total", { reason: "slow" }), 5);
    assert.equal(totalOf(all, "gaps_total", { reason: "missing" }), 2);
  });

  it("keeps what is not a number of JSON", () => {
    const figures = [gauge("a", Infinity), gauge("b", NaN), gauge("c", 1)];
    assert.deepEqual(figuresOf(figuresText(figures)), figures);
  });

  it("reports what one instance reports", async () => {
    assert.deepEqual(
      refusedAndMissedOf(await qanat.figures()),
      refusedAndMissed(qanat),
    );
  });
});

describe("the figures of ended workers", () => {
  it("are kept: no counter falls when a worker is replaced, however often", () => {
    const last = new LastFigures();
    const total = () =>
      totalOf(
        processFigures([], last.all()),
        "encode_seconds_total",
      );
    let before = 0;
    for (let life = 0; life < 20; life++) {
      for (const worker of [0, 1, 2]) {
        const value = 0.1 * (life + 1) + worker / 3;
        last.set(worker, live(counter("encode_seconds_total", value)));
        const now = total();
        assert.ok(now > before, `${now} ${before}`);
        before = now;
        last.end(worker);
        assert.equal(total(), before);
      }
    }
  });

  it("are of counters: a gauge ends with its worker", () => {
    const last = new LastFigures();
    last.set(0, live(gauge("clients", 5), counter("gaps_total", 1)));
    last.end(0);
    assert.equal(last.last(0), null);
    const { lives, figures } = last.endedOf(0);
    assert.deepEqual(
      [lives, figures.map(({ name }) => name)],
      [1, ["qanat_gaps_total"]],
    );
    // One that has never reported.
    last.end(0);
    assert.equal(last.endedOf(0).lives, 2);
    assert.equal(last.endedOf(0).figures.length, 1);
    assert.equal(last.all().length, 1);
  });

  it("are not of what all threads share: a worker that was replaced does not count twice", () => {
    const last = new LastFigures();
    const pages = (value: number) =>
      live(counter("ring_pages_reclaimed_total", value));
    last.set(0, pages(30));
    last.set(1, pages(30));
    last.end(0);
    last.set(0, pages(31));
    const all = processFigures([], last.all());
    assert.equal(totalOf(all, "ring_pages_reclaimed_total"), 31);
  });

  it("are not of the process: the thread that reads shows its CPU time", () => {
    const name = "process_cpu_seconds_total";
    const cpu = (value: number) => ({ ...counter("x", value), name });
    const worker = { now: [cpu(8)], ended: [cpu(6)] };
    const all = processFigures([cpu(9)], [worker, worker]);
    assert.equal(totalOf(all, name), 9);
  });

  it("count once what each worker counts for itself", () => {
    const last = new LastFigures();
    const loads = (value: number) =>
      live(counter("auth_file_loads_total", value));
    last.set(0, loads(3));
    last.set(1, loads(3));
    last.end(0);
    last.set(0, loads(1));
    const all = processFigures([], last.all());
    assert.equal(totalOf(all, "auth_file_loads_total"), 4);
  });
});
