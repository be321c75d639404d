// `deno task publish`: writes the channels of the embedded source into Kafka exactly as Arrakis's publishers do.
// It writes the metadata first, then each block just after its end.
import { nowGpsNs } from "./blocks/gps_time.ts";
import { BatchSender } from "./kafka/batch_sender.ts";
import type { KafkaProducer, ProducedMessage } from "./kafka/kafka_protocol.ts";
import { KafkaWork } from "./kafka/kafka_work.ts";
import { KafkajsProtocol } from "./kafka/kafkajs_protocol.ts";
import { writeMetadata } from "./kafka/publisher_metadata.ts";
import { optionsOrExit } from "./settings/command.ts";
import {
  parsePublish,
  PUBLISH_HELP,
  type PublishOptions,
} from "./settings/publish_options.ts";
import { shownValue } from "./settings/shown.ts";
import { BlockPublisher } from "./source/block_publisher.ts";
import { EmbeddedBlocks } from "./source/embedded_blocks.ts";
import { type EmbeddedChannel, embeddedChannels } from "./source/synthetic.ts";
import { within } from "./supervisor/within.ts";
import { terminalText } from "./text/terminal.ts";

/** The longest that the end waits for a broker that is away. */
const DISCONNECT_MAX_MS = 2000;
const encoder = new TextEncoder();

/** A full disk, or a closed pipe, does not stop the publishing. */
function write(
  to: { writeSync(bytes: Uint8Array): number },
  text: string,
): void {
  try {
    to.writeSync(encoder.encode(text));
  } catch { /* There is no other place to report it. */ }
}

function print(text: string): void {
  write(Deno.stdout, text);
}

function fail(message: string): never {
  write(Deno.stderr, message + "\n");
  Deno.exit(2);
}

async function channelsOf(
  { channels: extra, match }: PublishOptions,
): Promise<EmbeddedChannel[]> {
  const all = await embeddedChannels(extra);
  const chosen = all.filter(({ channel }) => match.test(channel.name));
  if (chosen.length > 0) return chosen;
  return fail(`No channel matches ${shownValue(match.source)}`);
}

/** True once the user has asked the process to end. */
function stopSignal(): () => boolean {
  let isStopped = false;
  const stop = () => isStopped = true;
  Deno.addSignalListener("SIGINT", stop);
  Deno.addSignalListener("SIGTERM", stop);
  return () => isStopped;
}

function senderOf(
  producer: KafkaProducer,
  { compression }: PublishOptions,
  isStopped: () => boolean,
): BatchSender<ProducedMessage> {
  return new BatchSender<ProducedMessage>({
    send: (batch) => producer.send(batch, compression, "leader"),
    report,
    wait,
    isStopped,
    nowMs: () => performance.now(),
  });
}

function report(line: string): void {
  print(`\n${terminalText(line)}\n`);
}

function wait(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

function printProgress({ written, bytes, elapsedMs }: BlockPublisher): void {
  if (!Deno.stdout.isTerminal()) return;
  const seconds = elapsedMs / 1000;
  print(
    `\r${written} blocks, ${(bytes / 1e6).toFixed(1)} MB, ` +
      `${(written / seconds).toFixed(0)} blocks/s, ${seconds.toFixed(0)} s `,
  );
}

function printResult(
  { written, bytes, tooOld }: BlockPublisher,
  { skippedCount, unsentCount }: BatchSender<ProducedMessage>,
): void {
  print(
    `\nPublished ${written - skippedCount - unsentCount} blocks, ` +
      `${(bytes / 1e6).toFixed(1)} MB; skipped ${skippedCount} that Kafka ` +
      `refused and ${tooOld} that were too old\n`,
  );
}

async function main(): Promise<void> {
  const options = optionsOrExit(
    PUBLISH_HELP,
    parsePublish(Deno.args, Deno.env.get("QANAT_KAFKA")),
  );
  const { brokers, rate, durationMs } = options;
  const addresses = brokers.join(", ");
  const chosen = await channelsOf(options);
  const channels = chosen.map((c) => c.channel);
  const blocks = new EmbeddedBlocks(chosen);
  const { topics } = blocks;
  const work = new KafkaWork();
  const producer = new KafkajsProtocol({ clientId: "qanat-publish", work })
    .producerOf(brokers);
  await writeMetadata(producer, channels, topics).catch((error: Error) => {
    const reason = terminalText(error.message);
    fail(`Cannot write to Kafka at ${addresses}: ${reason}`);
  });
  print(
    `Publishing ${channels.length} channels in ${topics.length} partitions to ${addresses}\n`,
  );
  const isStopped = stopSignal();
  const sender = senderOf(producer, options, isStopped);
  const publisher: BlockPublisher = new BlockPublisher({
    blocks,
    sender,
    rate,
    nowGpsNs: () => nowGpsNs(),
    clockMs: () => performance.now(),
    wait,
    report,
    onProgress: () => printProgress(publisher),
  });
  const isOver = () => durationMs > 0 && publisher.elapsedMs >= durationMs;
  await publisher.run(() => isStopped() || isOver());
  await within(DISCONNECT_MAX_MS, producer.close());
  printResult(publisher, sender);
  Deno.exit(0);
}

await main();
