// `deno task publish`: writes the embedded source's channels into Kafka exactly as Arrakis's publishers do.
// Invariant: metadata first, then every block of every partition, in order, just after the block's end; each at least
// once, or reported as skipped.
import { CompressionTypes, Kafka, logLevel } from "kafkajs";
import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import { nowGpsNs } from "./blocks/gps_time.ts";
import type { Channel } from "./channels/channel.ts";
import { METADATA_PREFIX } from "./kafka/metadata.ts";
import { BatchSender } from "./kafka/batch_sender.ts";
import { registerCodecs } from "./kafka/codecs.ts";
import { mendRequestQueue } from "./kafka/kafkajs_request_queue.ts";
import { dueFrom, EmbeddedBlocks } from "./source/embedded_source.ts";
import { embeddedChannels } from "./source/synthetic.ts";
import {
  type CompressionName,
  parsePublish,
  PUBLISH_HELP,
  type PublishOptions,
} from "./settings/publish_options.ts";
import { shownValue } from "./settings/shown.ts";
import { within } from "./supervisor/within.ts";
import { terminalText } from "./text/terminal.ts";

const COMPRESSIONS: Record<CompressionName, CompressionTypes> = {
  none: CompressionTypes.None,
  gzip: CompressionTypes.GZIP,
  snappy: CompressionTypes.Snappy,
  zstd: CompressionTypes.ZSTD,
};
const GRID_NS = 62_500_000n;
/** What a broker that was away is sent afterwards. Beyond it, and after a jump of the clock, blocks are skipped. */
const BACKLOG_MAX_MS = 60_000;
/** What a broker that is away is given at the end. */
const DISCONNECT_MAX_MS = 2000;
/** Blocks of one topic in one request. */
const BATCH_BLOCKS_MAX = 64;
const encoder = new TextEncoder();

/** A full disk, or a reader that is gone, does not stop what is published. */
function write(
  to: { writeSync(bytes: Uint8Array): number },
  text: string,
): void {
  try {
    to.writeSync(encoder.encode(text));
  } catch { /* There is nowhere else to say it. */ }
}

function print(text: string): void {
  write(Deno.stdout, text);
}

function fail(message: string): never {
  write(Deno.stderr, message + "\n");
  Deno.exit(2);
}

/** Python's json.dumps of a channel's metadata record, as Arrakis writes it. */
function recordOf(channel: Channel): string {
  const fields: [string, unknown][] = [
    ["name", channel.name],
    ["data_type", channel.dataType],
    ["sample_rate", channel.sampleRate],
    ["time", null],
    ["publisher", channel.publisher],
    ["partition_id", channel.partitionId],
    ["partition_index", channel.partitionIndex],
    ["stride", Number(channel.strideNs)],
    ["max_latency", Number(channel.maxLatencyNs)],
    ["replay_id", channel.replayId],
  ];
  return "{" +
    fields.map(([k, v]) => `"${k}": ${JSON.stringify(v)}`).join(", ") + "}";
}

function settings(): PublishOptions {
  const parsed = parsePublish(Deno.args, Deno.env.get("QANAT_KAFKA"));
  if (parsed.kind === "error") fail(parsed.message);
  if (parsed.kind === "options") return parsed.options;
  print(PUBLISH_HELP);
  Deno.exit(0);
}

/** Creates missing topics, writes records, info and digest of every publisher. */
async function writeMetadata(
  kafka: Kafka,
  channels: readonly Channel[],
  topics: readonly string[],
): Promise<void> {
  const publishers = Map.groupBy(channels, (channel) => channel.publisher);
  const admin = kafka.admin();
  await admin.connect();
  await admin.createTopics({
    waitForLeaders: true,
    topics: [
      ...topics.map((topic) => ({ topic, numPartitions: 1 })),
      ...[...publishers.keys()].map((publisher) => ({
        topic: METADATA_PREFIX + publisher,
        numPartitions: 1,
        configEntries: [{ name: "cleanup.policy", value: "compact" }],
      })),
    ],
  });
  await admin.disconnect();
  const producer = kafka.producer({ allowAutoTopicCreation: false });
  await producer.connect();
  for (const [publisher, members] of publishers) {
    const { strideNs, maxLatencyNs } = members[0]!;
    const digest = createHash("sha256");
    for (const entry of members.map(recordOf).sort()) {
      digest.update(entry).update("\x1e");
    }
    await producer.send({
      topic: METADATA_PREFIX + publisher,
      messages: [
        ...members.map((c) => ({ key: c.name, value: recordOf(c) })),
        {
          key: "__publisher_info__",
          value: `{"publisher_id": "${publisher}", "stride": ${strideNs}, ` +
            `"max_latency": ${maxLatencyNs}, "dynamic": false, "replay_id": null}`,
        },
        {
          key: "__digest__",
          value: `{"version": 1, "digest": "${digest.digest("hex")}", ` +
            `"count": ${members.length}}`,
        },
      ],
    });
  }
  await producer.disconnect();
}

async function main(): Promise<void> {
  const { brokers, channels: extra, match, rate, durationMs, compression } =
    settings();
  registerCodecs();
  mendRequestQueue();
  const kafka = new Kafka({
    brokers: [...brokers],
    clientId: "qanat-publish",
    logLevel: logLevel.NOTHING,
  });
  const chosen = (await embeddedChannels(extra)).filter(({ channel }) =>
    match.test(channel.name)
  );
  if (chosen.length === 0) {
    fail(`No channel matches ${shownValue(match.source)}`);
  }
  const blocks = new EmbeddedBlocks(chosen);
  const { topics } = blocks;
  const channels = chosen.map((c) => c.channel);
  await writeMetadata(kafka, channels, topics).catch((error: Error) =>
    fail(
      `Cannot write to Kafka at ${brokers.join(", ")}: ${
        terminalText(error.message)
      }`,
    )
  );
  const producer = kafka.producer({ allowAutoTopicCreation: false });
  await producer.connect();
  print(
    `Publishing ${channels.length} channels in ${topics.length} partitions to ${
      brokers.join(", ")
    }\n`,
  );
  let stopped = false;
  const stop = () => stopped = true;
  Deno.addSignalListener("SIGINT", stop);
  Deno.addSignalListener("SIGTERM", stop);
  const sender = new BatchSender<{ value: Buffer }>({
    send: async (batch) => {
      await producer.sendBatch({
        topicMessages: batch.map(({ topic, messages }) => ({
          topic,
          messages: [...messages],
        })),
        compression: COMPRESSIONS[compression],
        acks: 1,
      });
    },
    report: (line) => print(`\n${terminalText(line)}\n`),
    wait: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
    isStopped: () => stopped,
    nowMs: () => performance.now(),
  });
  const beganMs = performance.now();
  const beganNs = nowGpsNs();
  const elapsedMs = () => performance.now() - beganMs;
  // At its own pace time is what the clock says, as for any publisher: a machine that slept wakes up in the present.
  const timeNs = () =>
    rate === 1
      ? nowGpsNs()
      : beganNs + BigInt(Math.round(elapsedMs() * 1e6 * rate));
  const next = new Map(
    topics.map((t) => [t, Number(beganNs / blocks.strideNs(t)!)]),
  );
  let written = 0;
  let tooOld = 0;
  let bytes = 0;
  while (!stopped && !(durationMs > 0 && elapsedMs() >= durationMs)) {
    const nowNs = timeNs();
    let isBehind = false;
    const topicMessages = [];
    for (const topic of topics) {
      const strideNs = blocks.strideNs(topic)!;
      const end = Number(nowNs / strideNs);
      const { from, skipped } = dueFrom(next.get(topic)!, end, {
        backlog: rate === 1
          ? Math.ceil(BACKLOG_MAX_MS * 1e6 / Number(strideNs))
          : Infinity,
      });
      if (skipped > 0) {
        tooOld += skipped;
        print(
          `\n${topic}: skipped ${skipped} blocks, which are older than ${
            BACKLOG_MAX_MS / 1000
          } s\n`,
        );
      }
      const to = Math.min(end, from + BATCH_BLOCKS_MAX);
      isBehind ||= to < end;
      const messages = [];
      for (let index = from; index < to; index++) {
        const value = blocks.blockOf(topic, index);
        messages.push({ value: Buffer.from(value.buffer) });
        bytes += value.byteLength;
        written++;
      }
      next.set(topic, Math.max(from, to));
      if (messages.length > 0) topicMessages.push({ topic, messages });
    }
    if (topicMessages.length > 0) await sender.send(topicMessages);
    if (Deno.stdout.isTerminal()) {
      const seconds = elapsedMs() / 1000;
      print(
        `\r${written} blocks, ${(bytes / 1e6).toFixed(1)} MB, ` +
          `${(written / seconds).toFixed(0)} blocks/s, ${
            seconds.toFixed(0)
          } s `,
      );
    }
    if (isBehind) continue;
    const waitNs = GRID_NS - timeNs() % GRID_NS;
    await new Promise((resolve) =>
      setTimeout(resolve, Math.ceil(Number(waitNs) / 1e6 / rate))
    );
  }
  await within(DISCONNECT_MAX_MS, producer.disconnect());
  const refused = sender.skippedCount;
  written -= refused + sender.unsentCount;
  print(
    `\nPublished ${written} blocks, ${
      (bytes / 1e6).toFixed(1)
    } MB; skipped ${refused} that Kafka refused and ${tooOld} that were too old\n`,
  );
  Deno.exit(0);
}

await main();
