// The body of a request for blocks: topics, and from where on each.
// Invariant: what is accepted has at most TOPICS_MAX topics, each once, with names of at most TOPIC_CHARS_MAX characters.

/** Most topics of one request. */
export const TOPICS_MAX = 4096;
const TOPIC_CHARS_MAX = 512;

/** A topic of a request. */
export interface TopicText {
  readonly topic: string;
  /** GPS ms of the first block. */
  readonly sinceMs: number;
  /** Instead: the age of the first block, ms before the newest one. */
  readonly lastMs: number | null;
  /** Of a history: it is read from the log as it is now. */
  readonly isNew?: boolean | undefined;
}

/** The body of a request for these topics. */
export function relayRequest(topics: readonly TopicText[]): string {
  return JSON.stringify({
    topics: topics.map(({ topic, sinceMs, lastMs, isNew }) =>
      lastMs === null
        ? { topic, since_ms: sinceMs, ...(isNew ? { new: true } : {}) }
        : { topic, last_ms: lastMs }
    ),
  });
}

/** The topics of a body, or what is wrong with it. */
export function relayTopics(text: string): readonly TopicText[] | string {
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    return "The body must be JSON";
  }
  const { topics } = (body ?? {}) as { readonly topics?: unknown };
  if (!Array.isArray(topics) || topics.length === 0) {
    return `The body must be an object with 'topics', a list such as [{"topic": "arrakis-p", "since_ms": 1e12}]`;
  }
  if (topics.length > TOPICS_MAX) {
    return `The request has ${topics.length} topics, at most ${TOPICS_MAX} are allowed`;
  }
  const found = new Map<string, TopicText>();
  for (const item of topics) {
    const topic = topicOf(item);
    if (typeof topic === "string") return topic;
    if (found.has(topic.topic)) return "A topic is named more than once";
    found.set(topic.topic, topic);
  }
  return [...found.values()];
}

function topicOf(item: unknown): TopicText | string {
  const { topic, since_ms: since, last_ms: last, new: isNew = false } =
    (item ?? {}) as Record<string, unknown>;
  if (
    typeof topic !== "string" || topic === "" || topic.length > TOPIC_CHARS_MAX
  ) {
    return `Each topic needs 'topic', a name of at most ${TOPIC_CHARS_MAX} characters`;
  }
  if (typeof isNew !== "boolean") return "'new' must be true or false";
  if (isTime(since) && last === undefined) {
    return { topic, sinceMs: since, lastMs: null, isNew };
  }
  if (isTime(last) && since === undefined) {
    return { topic, sinceMs: 0, lastMs: last };
  }
  return "Each topic needs either 'since_ms', the GPS time of its first block, or 'last_ms', both in ms and not negative";
}

function isTime(value: unknown): value is number {
  return typeof value === "number" && value >= 0 && value < 1e15;
}
