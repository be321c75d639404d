// Computes what a load needs: instances, CPU, memory, network, and the settings of each instance.
// Invariant: every figure follows from the load and from scripts/plan/costs.ts; nothing is measured here.
import { RowTemplate } from "../../src/arrow/row_template.ts";
import { ENVELOPE_BYTES } from "../../src/frames/frame.ts";
import { SAMPLE_TEXT_MAX } from "../../src/frames/number_text.ts";
import { slotBytesFor } from "../../src/memory/slab.ts";
import * as costs from "./costs.ts";
import { type Load, sampleBytesOf, samplesOf } from "./load.ts";

const MIB = 1024 * 1024;
/** A usual channel name, `H1:SYS-CHAN_ABC_DQ` and more. */
const NAME = "H1:SUBSYSTEM-CHANNEL_NAME_DQ_0000";
/** Text of a sample in JSON, with its comma. */
const TEXT_BYTES = 12;
/** Text of a JSON event around its channels. */
const EVENT_BYTES = 80;
/** Of an Arrow block from Kafka: offsets, ids and metadata of each channel. */
const BLOCK_CHANNEL_BYTES = 16;
/** Open files of a process without its clients. */
const OTHER_FILES = 100;
const SMALLEST_RETENTION_MB = 16;

export interface Plan {
  readonly rowBytes: number;
  readonly rowsPerSecond: number;
  /** CPU of one row of one client, µs. */
  readonly rowUs: number;
  /** Cores for all clients; of each instance for reading, and of each of several workers for following it. */
  readonly clientCores: number;
  readonly readingCores: number;
  readonly followingCores: number;
  readonly instances: number;
  readonly clientsEach: number;
  /** All clients together, Mbit/s; and what Kafka sends to each instance. */
  readonly networkMbit: number;
  readonly kafkaMbit: number;
  /** What relays take at the instance that they read from. */
  readonly relayCores: number;
  readonly relayMbit: number;
  readonly retentionMb: number;
  readonly slabMb: number;
  /** Resident memory of each instance. */
  readonly memoryMb: number;
  readonly openFiles: number;
  /** The load fits on no number of instances: reading Kafka, or following it, takes a core. */
  readonly isReadingTooMuch: boolean;
}

/** What a load needs. */
export function planOf(load: Load): Plan {
  const rowsPerSecond = 1000 / load.strideMs;
  const rowBytes = rowBytesOf(load) + ENVELOPE_BYTES;
  const kafkaBytes = rowsPerSecond * load.channelsInAll *
    (sampleBytesOf(load) + BLOCK_CHANNEL_BYTES);
  const { workers } = load;
  const perMb = costs.READING_CORES_PER_MB * kafkaBytes / 1e6;
  const sharedUs = costs.SAMPLE_US[load.format] * samplesOf(load) *
    (load.isDifferent ? load.channelsInAll : load.channels);
  const sharedCores = rowsPerSecond * sharedUs / 1e6;
  // One worker reads by itself; several have a thread that reads for them.
  const readingCores = costs.READING_CORES.value + perMb +
    (workers === 1 ? sharedCores : 0);
  const followingCores = workers === 1
    ? 0
    : costs.FOLLOWING_CORES.value + perMb + sharedCores;
  const rowUs = rowUsOf(load, rowBytes);
  const clientCores = load.clients * rowsPerSecond * rowUs / 1e6;
  const free = costs.CORE_USE.value -
    (workers === 1 ? readingCores : followingCores);
  const isReadingTooMuch = free <= 0 || readingCores > costs.CORE_USE.value;
  const instances = isReadingTooMuch
    ? 0
    : Math.ceil(clientCores / (workers * free));
  const clientsEach = Math.ceil(load.clients / Math.max(1, instances));
  const retentionMb = Math.max(
    SMALLEST_RETENTION_MB,
    Math.ceil(kafkaBytes * load.stallS / MIB),
  );
  // The slot that is reserved for each client, and as much again for clients that are slow.
  const slabMb = Math.ceil(2 * clientsEach * slotBytesFor(rowBytes) / MIB);
  const clientKb = costs.CLIENT_KB.value +
    (load.hasTls ? costs.TLS_CLIENT_KB.value : 0);
  return {
    rowBytes,
    rowsPerSecond,
    rowUs,
    clientCores,
    readingCores,
    followingCores,
    instances,
    clientsEach,
    networkMbit: 8 * load.clients * rowsPerSecond * rowBytes / 1e6,
    kafkaMbit: 8 * kafkaBytes / 1e6,
    relayCores: load.relays * costs.RELAY_CORES_PER_MB.value * kafkaBytes / 1e6,
    relayMbit: load.relays * 8 * kafkaBytes / 1e6,
    retentionMb,
    slabMb,
    memoryMb: Math.ceil(
      costs.PROCESS_MB.value + retentionMb + slabMb +
        (workers === 1 ? 0 : workers * costs.WORKER_MB.value) +
        clientsEach * clientKb / 1024,
    ),
    openFiles: clientsEach + OTHER_FILES,
    isReadingTooMuch,
  };
}

/** CPU of one row of one client, µs. */
function rowUsOf(load: Load, rowBytes: number): number {
  const { row, channel } = costs.SELECTION_US[load.format];
  const write = (costs.WRITE_US.value + costs.KB_US.value * rowBytes / 1024) *
    (load.format === "flight" ? costs.FLIGHT_TIMES.value : 1) *
    (load.hasTls ? costs.TLS_TIMES.value : 1);
  return write + (load.isDifferent ? row + channel * load.channels : 0);
}

/** Bytes of a row as a client gets it, as far as they do not depend on the samples. */
function rowBytesOf(load: Load): number {
  const { channels, format, dataType, rateHz } = load;
  const samples = samplesOf(load);
  if (format === "arrow" || format === "flight") {
    const columns = Array.from({ length: channels }, () => ({
      name: NAME,
      dataType,
      rate: String(rateHz),
      samples,
    }));
    const layout = format === "flight" ? "flight" : "plain";
    return new RowTemplate(columns, undefined, layout).byteLength;
  }
  const text = Math.min(TEXT_BYTES, SAMPLE_TEXT_MAX[dataType] + 1);
  const plain = EVENT_BYTES + channels * (NAME.length + 6 + samples * text);
  return format === "events"
    ? plain
    : Math.ceil(plain * costs.GZIP_SHARE.value);
}
