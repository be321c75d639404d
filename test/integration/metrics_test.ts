// /metrics of real instances, by promtool: Kafka with two workers, a relay of it, and one that asks for credentials. Then a
// publisher is killed, and the alert names it. Invariant: the rules see nothing but the answers of /metrics.
// With QANAT_SECONDS of 600 it waits until the alert fires as in deploy/; else the rule fires after 2 s.
import assert from "node:assert/strict";
import { after, before, describe, it } from "@std/testing/bdd";
import { type KafkaBroker, startKafka } from "../../scripts/kafka/broker.ts";
import { canRun } from "../../scripts/optional_parts.ts";
import {
  freePort,
  launchQanat,
  PARTS,
  Process,
  sleep,
  streamUrl,
} from "./chain.ts";
import {
  inputSeries,
  promtoolOutput,
  type Scrape,
  seriesIn,
} from "./recorded_series.ts";

const ROOT = new URL("../../", import.meta.url);
const IS_LONG = Number(Deno.env.get("QANAT_SECONDS") ?? 10) >= 600;
const DEAD = "H1:QANAT-COUNT_I64_16";
const ALIVE = "L1:QANAT-COUNT_I64_16";
const ALERT = "QanatPublisherSilent";
/** Stride, latency and 10 s. */
const SILENT_AFTER_S = 11.0625;
const FIRES_AFTER_S = IS_LONG ? 60 : 2;
const WAIT_MAX_S = 60;
const REQUESTS = 20;
const TRIES_MAX = 20;

const runnable = canRun([PARTS.kafka, PARTS.promtool]);

/** Arguments of Deno for a task of deno.json. */
function taskArgs(name: string): string[] {
  const { tasks } = JSON.parse(
    Deno.readTextFileSync(new URL("deno.json", ROOT)),
  ) as { tasks: Record<string, { command: string }> };
  return tasks[name]!.command.split(" ").slice(1);
}

/** What `promtool check metrics` prints of a text. */
async function complaints(text: string): Promise<string> {
  const child = new Deno.Command(PARTS.promtool.program!, {
    args: ["check", "metrics"],
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(text));
  await writer.close();
  const { code, stdout, stderr } = await child.output();
  const decoder = new TextDecoder();
  const said = decoder.decode(stdout) + decoder.decode(stderr);
  return code === 0 ? said : `${said}exit code ${code}`;
}

/** A value for each metric that has none: promtool skips these. */
function filled(text: string): string {
  const families = text.trimEnd().split("\n\n").map((family) => {
    const [, name, type] = /^# TYPE (\S+) (\S+)$/m.exec(family)!;
    const hasValue = family.split("\n").some((line) => /^[a-z]/.test(line));
    return hasValue || type === "histogram" ? family : `${family}\n${name} 1`;
  });
  return families.join("\n\n") + "\n";
}

/** With several workers the answer is 503 while the thread that reads has no CPU for a second. */
async function textOf(url: string): Promise<string> {
  for (let left = TRIES_MAX;; left--) {
    const answer = await fetch(`${url}/metrics`);
    const text = await answer.text();
    if (answer.status === 200) return text;
    assert.ok(answer.status === 503 && left > 0, text);
  }
}

/** The answers of /metrics, one a second, before and after a publisher is killed. */
class Death {
  readonly trail: Scrape[] = [];
  /** Number of the first answer after it was killed. */
  atKill = NaN;
  /** Resolves when the alert must have fired. */
  readonly isNoticed: Promise<void>;
  readonly #text: () => Promise<string>;
  #isStopped = false;

  constructor(text: () => Promise<string>, kill: () => Promise<void>) {
    this.#text = text;
    this.isNoticed = this.#watch(kill);
    // The test that waits for it reports it.
    this.isNoticed.catch(() => {});
  }

  stop(): void {
    this.#isStopped = true;
  }

  async #watch(kill: () => Promise<void>): Promise<void> {
    for (let i = 0; i < 3; i++) await this.#scrape();
    const ages = this.#ages();
    assert.equal(ages.length, 2);
    assert.ok(Math.max(...ages) < 5, ages.join());
    await kill();
    this.atKill = this.trail.length;
    const noticedS = SILENT_AFTER_S + FIRES_AFTER_S + 2;
    while (!this.#isStopped && !this.#ages().some((age) => age > noticedS)) {
      assert.ok(this.trail.length - this.atKill < WAIT_MAX_S + FIRES_AFTER_S);
      await this.#scrape();
    }
  }

  async #scrape(): Promise<void> {
    this.trail.push(seriesIn(await this.#text()));
    await sleep(1000);
  }

  #ages(): number[] {
    return [...this.trail.at(-1)!].filter(([series]) =>
      series.startsWith("qanat_topic_newest_age_seconds")
    ).map(([, age]) => age);
  }
}

describe("/metrics of real instances", {
  ignore: !runnable,
  skip: !runnable,
}, () => {
  const closers: (() => Promise<unknown> | void)[] = [];
  /** Where /metrics is, by configuration. */
  const urls: Record<string, string> = {};
  let directory: string;
  let death: Death;
  let startedMs: number;

  before(async () => {
    directory = await Deno.makeTempDir({ prefix: "qanat-metrics-" });
    closers.push(() => Deno.remove(directory, { recursive: true }));
    const broker: KafkaBroker = await startKafka({
      port: freePort(),
      dir: `${directory}/kafka`,
    });
    closers.push(() => broker.stop());
    const publish = async (match: string) => {
      const publisher = new Process(`publish ${match}`, Deno.execPath(), [
        ...taskArgs("publish"),
        `--kafka=${broker.address}`,
        `--match=${match}`,
      ]);
      closers.push(() => publisher.stop());
      await publisher.says(/Publishing/);
      return publisher;
    };
    const dying = await publish("^H1:QANAT");
    await publish("^L1:QANAT");
    startedMs = Date.now();
    const operatorPort = freePort();
    const origin = launchQanat([
      `--kafka=${broker.address}`,
      "--workers=2",
      "--relay-streams-max=16",
      `--flight-port=${freePort()}`,
      `--operator-port=${operatorPort}`,
    ]);
    closers.push(() => origin.qanat.stop());
    urls.clients = origin.url;
    urls.kafka = `http://127.0.0.1:${operatorPort}`;
    await origin.qanat.answers(`${origin.url}/readyz`);
    for (const channel of [DEAD, ALIVE]) await open(origin.url, channel);
    // It is watched while the other tests run.
    death = new Death(() => textOf(urls.kafka!), () => dying.kill9());
    closers.push(() => death.stop());
    const relay = launchQanat([`--upstream=${origin.url}`]);
    closers.push(() => relay.qanat.stop());
    urls.relay = relay.url;
    const securedPort = freePort();
    const secured = launchQanat([
      "--auth=jwt",
      // Its keys cannot be read, which has metrics as well.
      "--auth-issuer=https://127.0.0.1:9/issuer",
      "--auth-audience=qanat",
      `--operator-port=${securedPort}`,
    ]);
    closers.push(() => secured.qanat.stop());
    urls.secured = `http://127.0.0.1:${securedPort}`;
    await Promise.all([
      relay.qanat.answers(`${relay.url}/readyz`),
      secured.qanat.answers(`${urls.secured}/readyz`),
    ]);
  });

  after(async () => {
    for (let last = closers.pop(); last; last = closers.pop()) await last();
  });

  /** A stream that is read until the end of the test. */
  async function open(url: string, channel: string): Promise<void> {
    const abort = new AbortController();
    const { body, status } = await fetch(streamUrl(url, "events", [channel]), {
      signal: abort.signal,
    });
    assert.equal(status, 200);
    closers.push(() => abort.abort());
    const reader = body!.getReader();
    const { value } = await reader.read();
    assert.ok(value);
    (async () => {
      while (!(await reader.read()).done);
    })().catch(() => {});
  }

  for (const name of ["kafka", "relay", "secured"]) {
    it(`pass promtool check metrics: ${name}`, async () => {
      if (name !== "secured") {
        await open(urls[name === "kafka" ? "clients" : name]!, ALIVE);
      }
      const text = await textOf(urls[name]!);
      assert.equal(await complaints(text), "");
      assert.equal(await complaints(filled(text)), "");
      // It does look at them.
      assert.match(
        await complaints(text.replaceAll("qanat_clients", "qanat_ms_gauge")),
        /should not include type/,
      );
    });
  }

  it("have the process once, whatever the number of its threads", async () => {
    const text = await textOf(urls.kafka!);
    const value = (name: string) => {
      const found = [...text.matchAll(new RegExp(`^${name} (\\S+)$`, "gm"))];
      assert.equal(found.length, 1, name);
      return Number(found[0]![1]);
    };
    const livedS = (Date.now() - startedMs) / 1000;
    const startedS = value("process_start_time_seconds");
    assert.ok(startedS >= startedMs / 1000 - 1, `${startedS}`);
    assert.ok(startedS <= Date.now() / 1000, `${startedS}`);
    const cpuS = value("process_cpu_seconds_total");
    assert.ok(cpuS > 0.1, `${cpuS}`);
    assert.ok(cpuS <= livedS * navigator.hardwareConcurrency, `${cpuS}`);
    const rss = value("process_resident_memory_bytes");
    assert.ok(rss > 50e6 && rss < 2e9, `${rss}`);
  });

  it("count the requests of all workers, by route and status", async () => {
    const count = async () =>
      seriesIn(await textOf(urls.kafka!)).get(
        'qanat_http_requests_total{route="/v1/channels/{name}",status="404"}',
      ) ?? 0;
    const had = await count();
    await Promise.all(
      Array.from({ length: REQUESTS }, async (_, i) => {
        const url = `${urls.clients}/v1/channels/NONE-${i}`;
        const answer = await fetch(url, { headers: { connection: "close" } });
        await answer.body?.cancel();
      }),
    );
    assert.equal(await count() - had, REQUESTS);
  });

  it("name a publisher that is dead, and no other", async () => {
    await death.isNoticed;
    const { trail, atKill } = death;
    const rules = await Deno.readTextFile(
      new URL("deploy/prometheus/alerts.yaml", ROOT),
    );
    const file = `${directory}/alerts.yaml`;
    await Deno.writeTextFile(file, firingAfter(rules, FIRES_AFTER_S));
    const said = await promtoolOutput(directory, {
      rule_files: [file],
      evaluation_interval: "1s",
      tests: [{
        interval: "1s",
        input_series: inputSeries(trail, rules),
        // With none expected, promtool says what fires.
        alert_rule_test: [atKill, trail.length - 1].map((second) => ({
          eval_time: `${second}s`,
          alertname: ALERT,
          exp_alerts: [],
        })),
      }],
    });
    const found = [
      ...said.matchAll(/Labels:\{(.*)\}\n\s+Annotations:\{(.*)\}/g),
    ];
    assert.equal(found.length, 1, said);
    const [, labels, annotations] = found[0]!;
    assert.match(labels!, /publisher="H1QANAT"/);
    assert.match(labels!, /topic="arrakis-H1QANAT_\w+"/);
    assert.match(annotations!, /the publisher H1QANAT is silent/);
  });
});

/** The rules, with another time for which a publisher must be silent. */
function firingAfter(rules: string, seconds: number): string {
  const at = rules.indexOf(`- alert: ${ALERT}`);
  const rest = rules.slice(at).replace(/for: 1m/, `for: ${seconds}s`);
  return rules.slice(0, at) + rest;
}
