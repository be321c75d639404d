// The channels of a mapped topic: which there are, and their types, follow from the schemas of its messages.
// Invariant: the types of a topic change at most once in CHANGE_MIN_MS, so that producers that disagree do not end
// streams with every message.
import type { ChannelAdmission } from "../channels/channel_admission.ts";
import type { DataType } from "../channels/channel.ts";
import type { Logger } from "../telemetry/log.ts";
import type { MappedCounters } from "./mapped_counters.ts";
import type { SchemaPlan } from "./schema_plan.ts";
import { channelOf, type TopicMapping } from "./topic_mapping.ts";

/** Between two changes of types of one topic. Until then, columns with other types are missing in their rows. */
export const CHANGE_MIN_MS = 10_000;
/** Of two claims to a name the newer one counts: the file of --topics counts more than any metadata. */
const ALWAYS_MS = Number.MAX_SAFE_INTEGER;

export interface MappedChannelsOptions {
  readonly mapping: TopicMapping;
  readonly admission: ChannelAdmission;
  readonly counters: MappedCounters;
  readonly log: Logger;
  /** Milliseconds, monotonic. */
  readonly clockMs: () => number;
}

export class MappedChannels {
  readonly #options: MappedChannelsOptions;
  /** Whose claims these are, for messages. */
  readonly #publisher: string;
  /** Type by number of the channel; null where its column cannot be one. */
  readonly #types = new Map<number, DataType | null>();
  #learnt: SchemaPlan | null = null;
  #changedMs = -Infinity;

  constructor(options: MappedChannelsOptions) {
    this.#options = options;
    this.#publisher = `--topics ${options.mapping.topic}`;
  }

  /** Takes the schema of a new message. A column that it lacks keeps its channel. */
  learn(plan: SchemaPlan): void {
    if (plan === this.#learnt) return;
    const { clockMs, counters, log, mapping } = this.#options;
    const hasChanged = this.#hasChanged(plan);
    if (hasChanged) {
      if (clockMs() - this.#changedMs < CHANGE_MIN_MS) {
        counters.topics_schemas_too_soon++;
        return;
      }
      this.#changedMs = clockMs();
      counters.topics_schema_changes++;
      log.warn("topic-schema-changed", { topic: mapping.topic });
    }
    this.#learnt = plan;
    for (const { index, dataType } of plan.columns) {
      this.#admit(index, dataType);
    }
    for (const { index, detail } of plan.faults) this.#refuse(index, detail);
  }

  /** Whether a channel that there is has another type now, or none. */
  #hasChanged({ columns, faults }: SchemaPlan): boolean {
    const types = this.#types;
    return columns.some(({ index, dataType }) => {
      const before = types.get(index);
      return before !== undefined && before !== null && before !== dataType;
    }) || faults.some(({ index }) => typeof types.get(index) === "string");
  }

  #admit(index: number, dataType: DataType): void {
    if (this.#types.get(index) === dataType) return;
    this.#types.set(index, dataType);
    const { admission, mapping } = this.#options;
    const channel = channelOf(mapping, index, dataType);
    admission.put(this.#publisher, channel, ALWAYS_MS);
  }

  #refuse(index: number, detail: string): void {
    const { admission, mapping } = this.#options;
    const { name } = mapping.channels[index]!;
    if (this.#types.get(index) === null) return;
    this.#types.set(index, null);
    admission.remove(this.#publisher, name);
    admission.refuse(this.#publisher, name, { reason: "type", detail });
  }
}
