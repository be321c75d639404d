// Reads the file of --topics: JSON that maps Kafka topics of Arrow to channels.
// Invariant: a mapping that is returned is complete and within the limits; a refusal names the line and what would be right.
import { channelFault } from "../channels/channel_fault.ts";
import { shownText, topicPartFault } from "../channels/channel_text.ts";
import {
  choiceOf,
  FieldFault,
  listOf,
  numberOf,
  objectOf,
  textOf,
  wholeOf,
} from "../files/field_readers.ts";
import { type JsonStep, lineOfValue } from "../files/json_line.ts";
import { parseStrictJson } from "../files/strict_json.ts";
import type { Turns } from "../files/turns.ts";
import { columnOf } from "./column_name.ts";
import {
  channelOf,
  type Epoch,
  EPOCHS,
  type MappedChannel,
  TIME_UNITS_NS,
  type TimeUnit,
  type TopicMapping,
} from "./topic_mapping.ts";

/** Largest file, bytes. */
export const TOPICS_FILE_BYTES_MAX = 8 * 1024 * 1024;
const TOPICS_MAX = 1000;
const CHANNELS_MAX = 10_000;
const CHANNELS_TOTAL_MAX = 100_000;
/** Most bytes of all samples of one block, at 8 bytes each. */
const BLOCK_BYTES_MAX = 16 * 1024 * 1024;
const SAMPLE_BYTES_MAX = 8;
const BLOCK_ROWS_MAX = 1_000_000;
/** Without `max_latency_ns`: so long after a block's end, and two strides. */
const LATENCY_NS = 1_000_000_000n;
const ROUNDING = 1e-12;
/** Without `tolerance_ns`. */
const TOLERANCE_NS = 1000;
/** The topics of Arrakis. */
const RESERVED = "arrakis-";

const TOP_FIELDS = ["topics"];
const TOPIC_FIELDS = [
  "topic",
  "publisher",
  "time",
  "row_rate",
  "rows_per_block",
  "max_latency_ns",
  "channels",
];
const TIME_FIELDS = ["column", "unit", "epoch", "tolerance_ns"];
const CHANNEL_FIELDS = ["column", "name", "sample_rate"];

/** A file that is refused. */
export class TopicsFileError extends Error {
  override name = "TopicsFileError";
}

/** Rejects with {@linkcode TopicsFileError}, or with the JsonTextError of text that is not JSON. */
export async function parseTopics(
  text: string,
  turns: Turns,
): Promise<TopicMapping[]> {
  const value = await parseStrictJson(text, turns);
  try {
    return mappingsOf(value);
  } catch (error) {
    if (!(error instanceof FieldFault)) throw error;
    const line = await lineOfValue(text, error.path, turns);
    throw new TopicsFileError(`line ${line}: ${error.message}`);
  }
}

function mappingsOf(value: unknown): TopicMapping[] {
  const file = objectOf(value, [], TOP_FIELDS);
  const topics = listOf(file, "topics", [], TOPICS_MAX);
  const mappings = topics.map((topic, i) => mappingOf(topic, ["topics", i]));
  const names = new Set<string>();
  const taken = new Set<string>();
  let total = 0;
  mappings.forEach(({ topic, channels }, i) => {
    if (taken.has(topic)) {
      throw new FieldFault(
        ["topics", i, "topic"],
        `${topic} is mapped already; a topic is mapped once, with all its channels`,
      );
    }
    taken.add(topic);
    total += channels.length;
    channels.forEach(({ name }, k) => {
      if (names.has(name)) {
        throw new FieldFault(
          ["topics", i, "channels", k, "name"],
          `another channel has the name ${name}; each has its own`,
        );
      }
      names.add(name);
    });
  });
  if (total > CHANNELS_TOTAL_MAX) {
    throw new FieldFault(
      ["topics"],
      `${total} channels, at most ${CHANNELS_TOTAL_MAX} in all`,
    );
  }
  return mappings;
}

function mappingOf(value: unknown, path: JsonStep[]): TopicMapping {
  const topic = objectOf(value, path, TOPIC_FIELDS);
  const name = textOf(topic, "topic", path);
  const bad = topicPartFault(name);
  if (bad !== null) throw new FieldFault([...path, "topic"], `topic ${bad}`);
  if (name.startsWith(RESERVED)) {
    throw new FieldFault(
      [...path, "topic"],
      `topic must not begin with '${RESERVED}': those topics need no mapping`,
    );
  }
  const rowRate = numberOf(topic, "row_rate", path);
  const blockRows = topic.rows_per_block === undefined
    ? 1
    : wholeOf(topic, "rows_per_block", path, 1, BLOCK_ROWS_MAX);
  const stride = blockRows * 1e9 / rowRate;
  if (!isNearlyWhole(stride)) {
    throw new FieldFault(
      [...path, "row_rate"],
      `rows_per_block / row_rate is ${stride} ns; a block must take a whole number of ns`,
    );
  }
  const strideNs = BigInt(Math.round(stride));
  const time = timeOf(topic, path, 1e9 / rowRate);
  const maxLatencyNs = topic.max_latency_ns === undefined
    ? LATENCY_NS + 2n * strideNs
    : BigInt(
      wholeOf(topic, "max_latency_ns", path, 0, Number.MAX_SAFE_INTEGER),
    );
  const mapping: TopicMapping = {
    topic: name,
    publisher: topic.publisher === undefined
      ? name
      : textOf(topic, "publisher", path),
    ...time,
    rowRate,
    blockRows,
    strideNs,
    maxLatencyNs,
    channels: listOf(topic, "channels", path, CHANNELS_MAX).map((channel, i) =>
      mappedChannelOf(channel, [...path, "channels", i], rowRate)
    ),
  };
  checkChannels(mapping, path);
  return mapping;
}

function timeOf(
  topic: Record<string, unknown>,
  path: readonly JsonStep[],
  periodNs: number,
) {
  const at = [...path, "time"];
  const time = objectOf(topic.time, at, TIME_FIELDS);
  const unit = choiceOf(time, "unit", at, Object.keys(TIME_UNITS_NS));
  const epoch = choiceOf(time, "epoch", at, EPOCHS);
  const unitNs = TIME_UNITS_NS[unit as TimeUnit];
  // Times that cannot be exact are rounded to their unit; those that were doubles are 0.2 µs off.
  const isExact = isNearlyWhole(periodNs / unitNs);
  const most = Math.max(0, Math.ceil(periodNs / 2) - 1);
  const preset = Math.min(
    isExact ? TOLERANCE_NS : Math.max(unitNs, TOLERANCE_NS),
    most,
  );
  const toleranceNs = time.tolerance_ns === undefined
    ? preset
    : wholeOf(time, "tolerance_ns", at, 0, most);
  if (!isExact && most < unitNs / 2) {
    throw new FieldFault(
      [...at, "unit"],
      `unit ${unit} is too coarse for rows that are ${periodNs} ns apart`,
    );
  }
  return {
    timeColumn: columnOf(time, at),
    unit: unit as TimeUnit,
    epoch: epoch as Epoch,
    toleranceNs,
  };
}

function mappedChannelOf(
  value: unknown,
  path: JsonStep[],
  rowRate: number,
): MappedChannel {
  const channel = objectOf(value, path, CHANNEL_FIELDS);
  const column = columnOf(channel, path);
  const sampleRate = channel.sample_rate === undefined
    ? rowRate
    : numberOf(channel, "sample_rate", path);
  const samples = sampleRate / rowRate;
  if (!(samples >= 1) || !isNearlyWhole(samples)) {
    throw new FieldFault(
      [...path, "sample_rate"],
      `sample_rate ${sampleRate} must be row_rate ${rowRate}, or a whole multiple of it`,
    );
  }
  return {
    column,
    name: textOf(channel, "name", path),
    sampleRate,
    rowSamples: Math.round(samples),
  };
}

/** What catalog and page ring demand of channels. */
function checkChannels(mapping: TopicMapping, path: JsonStep[]): void {
  const { channels, blockRows, timeColumn } = mapping;
  if (channels.length === 0) {
    throw new FieldFault([...path, "channels"], "channels must not be empty");
  }
  const columns = new Set([timeColumn]);
  let samples = 0;
  channels.forEach(({ column, rowSamples }, i) => {
    const at = [...path, "channels", i];
    // float64 has the longest samples and the longest name of a topic.
    const fault = channelFault(channelOf(mapping, i, "float64"));
    if (fault !== null) throw new FieldFault(at, fault.detail);
    if (columns.has(column)) {
      throw new FieldFault(
        [...at, "column"],
        `column ${
          shownText(column)
        } is used already; a column is one channel, or the time`,
      );
    }
    columns.add(column);
    samples += blockRows * rowSamples;
  });
  if (samples * SAMPLE_BYTES_MAX <= BLOCK_BYTES_MAX) return;
  throw new FieldFault(
    [...path, "channels"],
    `a block has ${samples} samples, at most ${
      BLOCK_BYTES_MAX / SAMPLE_BYTES_MAX
    } are taken: choose fewer rows_per_block`,
  );
}

function isNearlyWhole(value: number): boolean {
  const whole = Math.round(value);
  return whole >= 1 && Math.abs(value - whole) <= whole * ROUNDING;
}
