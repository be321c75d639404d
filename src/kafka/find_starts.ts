// Finds the offsets at which the blocks of a time begin in some topics, several searches at a time over one connection.
// Invariant: a topic costs a bounded number of requests, each for one record or batch, whatever its log holds.
import type { RawTopic } from "./fetch_answer.ts";
import type { LogAccess } from "./kafka_protocol.ts";
import type { KafkaWork } from "./kafka_work.ts";
import { LogSearch, type Stamp, STAMPS_MAX } from "./log_search.ts";
import { type FetchedTopic, TopicParts } from "./topic_parts.ts";

/** The start of a message's block, GPS ms; null where it cannot be read. */
export type BlockTime = (value: Uint8Array) => number | null;

/** A time to be found in a topic's log. */
export interface StartAsked {
  readonly topic: string;
  /** GPS ms. */
  readonly fromMs: number;
  readonly blockTime: BlockTime;
}

export type FoundStart =
  | {
    readonly kind: "found";
    readonly offset: number;
    /** The end of the log when the search began. */
    readonly end: number;
    readonly isCut: boolean;
  }
  | { readonly kind: "refused"; readonly errorCode: number };

interface Search {
  readonly target: StartAsked;
  readonly end: number;
  readonly search: LogSearch;
  bytes: number;
}

const UNKNOWN_SERVER_ERROR = -1;
const MAX_WAIT_MS = 50;
const BYTES_START = 16 * 1024;
const BYTES_LIMIT = 16 * 1024 * 1024;
const ANSWER_BYTES = 8 * 1024 * 1024;
/** The most records that are tried until one can be read. */
const TRIES_MAX = 16;
/** The most requests for a topic: halving 2^50 offsets, and some for batches that did not fit. */
const ROUNDS_MAX = 100;

/** Searches all topics; a topic that is refused does not stop the others. Throws when the connection fails. */
export async function findStarts(
  log: LogAccess,
  targets: readonly StartAsked[],
  work: KafkaWork,
): Promise<Map<string, FoundStart>> {
  const found = new Map<string, FoundStart>();
  const refuse = (topic: string, errorCode: number | undefined) => {
    found.set(topic, {
      kind: "refused",
      errorCode: errorCode || UNKNOWN_SERVER_ERROR,
    });
  };
  const topics = targets.map((t) => t.topic);
  const ask = (at: "earliest" | "latest") =>
    log.listOffsets(topics.map((topic) => ({ topic, at })));
  const earliest = await ask("earliest");
  // Messages that are written from here on lie after the end, and are read.
  const latest = await ask("latest");
  let open: Search[] = [];
  for (const target of targets) {
    const first = earliest.get(target.topic);
    const end = latest.get(target.topic);
    if (!first || !end || first.errorCode || end.errorCode) {
      refuse(target.topic, first?.errorCode || end?.errorCode);
      continue;
    }
    const search = new LogSearch(first.offset, end.offset, target.fromMs);
    const { offset } = end;
    open.push({ target, end: offset, search, bytes: BYTES_START });
  }
  for (let round = 0; open.length > 0; round++) {
    if (round === ROUNDS_MAX) {
      throw new Error(
        `${open[0]!.target.topic}: no start found in ${ROUNDS_MAX} requests`,
      );
    }
    open = open.filter(({ target: { topic }, search: { step }, end }) => {
      if (found.has(topic)) return false;
      if (step.kind !== "done") return true;
      const { offset, isCut } = step;
      found.set(topic, { kind: "found", offset, end, isCut });
      return false;
    });
    await lookUp(log, open, refuse);
    const asked = open.filter((s) => !found.has(s.target.topic));
    await read({ log, work }, asked, refuse);
  }
  return found;
}

async function lookUp(
  log: LogAccess,
  open: readonly Search[],
  refuse: (topic: string, errorCode: number | undefined) => void,
): Promise<void> {
  const asked = open.flatMap(({ target: { topic }, search: { step } }) =>
    step.kind === "look-up" ? [{ topic, at: step.timestampMs }] : []
  );
  if (asked.length === 0) return;
  const answers = await log.listOffsets(asked);
  for (const { target: { topic }, search } of open) {
    if (search.step.kind !== "look-up") continue;
    const answer = answers.get(topic);
    if (answer?.errorCode === 0) search.lookedUp(answer.offset);
    else refuse(topic, answer?.errorCode);
  }
}

async function read(
  { log, work }: { log: LogAccess; work: KafkaWork },
  open: readonly Search[],
  refuse: (topic: string, errorCode: number | undefined) => void,
): Promise<void> {
  // The broker sends the first topic of a request at least one whole batch: topics that got none come first.
  const asked = [...open].sort((a, b) => b.bytes - a.bytes)
    .flatMap(({ target: { topic }, search: { step }, bytes }) =>
      step.kind === "read"
        ? [{ topic, offset: step.offset, maxBytes: bytes }]
        : []
    );
  if (asked.length === 0) return;
  const maxBytes = Math.max(ANSWER_BYTES, asked[0]!.maxBytes);
  const answers = await log.fetch(asked, { maxWaitMs: MAX_WAIT_MS, maxBytes });
  const byTopic = new Map(answers.map((a) => [a.topic, a]));
  for (const one of open) {
    const { target: { topic, blockTime }, search } = one;
    if (search.step.kind !== "read") continue;
    const raw = byTopic.get(topic);
    if (!raw || raw.errorCode !== 0) {
      refuse(topic, raw?.errorCode);
      continue;
    }
    const answer = await firstPart(raw, search.step.offset, work);
    if (answer.nextOffset < 0 && one.bytes < BYTES_LIMIT) one.bytes *= 4;
    else {
      one.bytes = BYTES_START;
      search.read(stampsOf(answer, blockTime));
    }
  }
}

/** The first part of an answer that has records. An answer that begins within a batch has parts without records. */
async function firstPart(
  raw: RawTopic,
  offset: number,
  work: KafkaWork,
): Promise<Pick<FetchedTopic, "records" | "nextOffset">> {
  const parts = new TopicParts(raw, offset, work);
  try {
    for (;;) {
      const part = await parts.next();
      if (part === null) return { records: [], nextOffset: -1 };
      if (part.records.length > 0 || part.isLast) return part;
    }
  } finally {
    parts.close();
  }
}

function stampsOf(
  answer: Pick<FetchedTopic, "records">,
  blockTime: BlockTime,
): Stamp[] {
  const stamps: Stamp[] = [];
  for (const record of answer.records.slice(0, TRIES_MAX)) {
    const { offset, timestampMs, value } = record;
    const blockMs = value === null ? null : blockTime(value);
    if (blockMs !== null) stamps.push({ offset, timestampMs, blockMs });
    if (stamps.length === STAMPS_MAX) break;
  }
  return stamps;
}
