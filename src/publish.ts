// `deno task publish`: writes the embedded source's channels into Kafka exactly as Arrakis's publishers do.
// Invariant: metadata first, then every block of every partition once, in order, just after the block's end.
import { CompressionTypes, Kafka, logLevel } from "kafkajs";
import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import { parseArgs } from "node:util";
import { nowGpsNs } from "./blocks/gps_time.ts";
import type { Channel } from "./channels/channel.ts";
import { METADATA_PREFIX } from "./kafka/metadata.ts";
import { registerCodecs } from "./kafka/codecs.ts";
import { EmbeddedBlocks } from "./source/embedded_source.ts";
import { embeddedChannels } from "./source/synthetic.ts";

const COMPRESSIONS: Record<string, CompressionTypes> = {
  none: CompressionTypes.None,
  gzip: CompressionTypes.GZIP,
  snappy: CompressionTypes.Snappy,
  zstd: CompressionTypes.ZSTD,
};
const HELP = `deno task publish --kafka HOST:PORT[,…]

  --kafka HOST:PORT,…   brokers (QANAT_KAFKA)
  --channels N          more channels of 2,048 Hz (default 0)
  --match EXPRESSION    only channels whose names match
  --rate FACTOR         blocks are written FACTOR times as fast as time passes (default 1)
  --duration SECONDS    ends after so long (default: until stopped)
  --compression NAME    none, gzip, snappy, zstd (default none)
`;
const GRID_NS = 62_500_000n;
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

interface Settings {
  readonly brokers: string[];
  readonly channels: number;
  readonly match: RegExp;
  readonly rate: number;
  readonly durationMs: number;
  readonly compression: CompressionTypes;
}

function settings(): Settings {
  let values;
  try {
    ({ values } = parseArgs({
      args: Deno.args,
      options: {
        kafka: { type: "string" },
        channels: { type: "string", default: "0" },
        match: { type: "string", default: "" },
        rate: { type: "string", default: "1" },
        duration: { type: "string", default: "0" },
        compression: { type: "string", default: "none" },
        help: { type: "boolean", default: false },
      },
    }));
  } catch (error) {
    fail(`${(error as Error).message}\n${HELP}`);
  }
  if (values.help) {
    print(HELP);
    Deno.exit(0);
  }
  const kafka = values.kafka ?? Deno.env.get("QANAT_KAFKA") ?? "";
  if (kafka === "") fail("--kafka HOST:PORT is needed; --help shows all");
  const number = (name: "channels" | "rate" | "duration") => {
    const value = Number(values[name]);
    if (!(value >= 0 && value <= 1e6)) {
      fail(
        `--${name} must be a number from 0 to 1000000, not '${values[name]}'`,
      );
    }
    return value;
  };
  const compression = COMPRESSIONS[values.compression];
  if (compression === undefined) {
    fail(
      `--compression must be one of ${Object.keys(COMPRESSIONS).join(", ")}`,
    );
  }
  return {
    brokers: kafka.split(","),
    channels: Math.floor(number("channels")),
    match: new RegExp(values.match),
    rate: number("rate") || 1,
    durationMs: number("duration") * 1000,
    compression,
  };
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
  const kafka = new Kafka({
    brokers,
    clientId: "qanat-publish",
    logLevel: logLevel.NOTHING,
  });
  const chosen = (await embeddedChannels(extra)).filter(({ channel }) =>
    match.test(channel.name)
  );
  if (chosen.length === 0) fail(`No channel matches '${match.source}'`);
  const blocks = new EmbeddedBlocks(chosen);
  const { topics } = blocks;
  const channels = chosen.map((c) => c.channel);
  await writeMetadata(kafka, channels, topics).catch((error: Error) =>
    fail(`Cannot write to Kafka at ${brokers.join(", ")}: ${error.message}`)
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
  const beganMs = Date.now();
  const beganNs = nowGpsNs();
  const next = new Map(
    topics.map((t) => [t, Number(beganNs / blocks.strideNs(t)!)]),
  );
  let written = 0;
  let bytes = 0;
  while (!stopped && !(durationMs > 0 && Date.now() - beganMs >= durationMs)) {
    const elapsedNs = BigInt(Math.round((Date.now() - beganMs) * 1e6 * rate));
    const nowNs = beganNs + elapsedNs;
    const topicMessages = [];
    for (const topic of topics) {
      const end = Number(nowNs / blocks.strideNs(topic)!);
      const messages = [];
      for (let index = next.get(topic)!; index < end; index++) {
        const value = blocks.blockOf(topic, index);
        messages.push({ value: Buffer.from(value.buffer) });
        bytes += value.byteLength;
        written++;
      }
      next.set(topic, end);
      if (messages.length > 0) topicMessages.push({ topic, messages });
    }
    if (topicMessages.length > 0) {
      await producer.sendBatch({ topicMessages, compression, acks: 1 });
    }
    if (Deno.stdout.isTerminal()) {
      const seconds = (Date.now() - beganMs) / 1000;
      print(
        `\r${written} blocks, ${(bytes / 1e6).toFixed(1)} MB, ` +
          `${(written / seconds).toFixed(0)} blocks/s, ${
            seconds.toFixed(0)
          } s `,
      );
    }
    const laterNs = beganNs +
      BigInt(Math.round((Date.now() - beganMs) * 1e6 * rate));
    const waitNs = GRID_NS - laterNs % GRID_NS;
    await new Promise((resolve) =>
      setTimeout(resolve, Math.ceil(Number(waitNs) / 1e6 / rate))
    );
  }
  await producer.disconnect();
  print(`\nPublished ${written} blocks, ${(bytes / 1e6).toFixed(1)} MB\n`);
  Deno.exit(0);
}

await main();
