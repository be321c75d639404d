// DoGet of everything but streams: channels, counts, and where to publish.
// Invariant: a list of channels is made and sent one batch after the other, as fast as the client reads.
import {
  channelBatch,
  CHANNELS_A_BATCH,
  countBatch,
  FLIGHT_SCHEMAS,
  propertiesBatch,
} from "../arrow/flight_schemas.ts";
import type { Catalog, ChannelFilter } from "../channels/catalog.ts";
import type { Channel, DataType } from "../channels/channel.ts";
import { BadExpressionError } from "../channels/expression.ts";
import type { SlicedWork } from "../channels/sliced_work.ts";
import { flightData } from "../frames/flight_data.ts";
import type { DescribeArgs, PublishArgs, SearchArgs } from "./command.ts";
import type { FlightCall } from "./flight_call.ts";
import { FlightError } from "./flight_error.ts";
import { noPublishing } from "./flight_info.ts";
import { namedChannels } from "./named_channels.ts";
import { checkPublisher } from "./publisher_context.ts";
import { replayIdOf } from "./replay_context.ts";
import type { FlightInstance } from "./service.ts";

/** Answers the calls that read tables. */
export class FlightTables {
  readonly #instance: FlightInstance;

  constructor(instance: FlightInstance) {
    this.#instance = instance;
  }

  async find(call: FlightCall, args: SearchArgs, catalog: Catalog) {
    const filter = filterOf(args, catalog);
    const { channels } = await this.#run(
      call,
      searched(catalog.search(filter)),
    );
    await this.#sendChannels(call, channels);
  }

  async count(call: FlightCall, args: SearchArgs, catalog: Catalog) {
    const filter = filterOf(args, catalog);
    const count = await this.#run(call, searched(catalog.counting(filter)));
    await sendTable(call, FLIGHT_SCHEMAS.count, countBatch(count));
  }

  async describe(call: FlightCall, args: DescribeArgs, catalog: Catalog) {
    const { channelsMax } = this.#instance.config;
    const channels = await this.#run(
      call,
      namedChannels(args, catalog, channelsMax),
    );
    await this.#sendChannels(call, channels);
  }

  /** Sends the addresses of Kafka to a publisher. */
  async publish(call: FlightCall, args: PublishArgs, catalog: Catalog) {
    const { config } = this.#instance;
    const replayId = replayIdOf(args, catalog);
    if (!config.flightPublish) throw noPublishing();
    await this.#run(call, checkPublisher(args.publisher_id, replayId, catalog));
    const batch = propertiesBatch({
      "bootstrap.servers": config.kafka.join(","),
    });
    await sendTable(call, FLIGHT_SCHEMAS.properties, batch);
  }

  async #sendChannels(
    call: FlightCall,
    channels: readonly Channel[],
  ): Promise<void> {
    await call.send(flightData(FLIGHT_SCHEMAS.channels));
    for (let from = 0; from < channels.length; from += CHANNELS_A_BATCH) {
      const part = channels.slice(from, from + CHANNELS_A_BATCH);
      await call.send(flightData(await this.#run(call, channelBatch(part))));
      if (call.isGone) return;
    }
    call.end(null);
  }

  #run<T>(call: FlightCall, work: SlicedWork<T>): T | Promise<T> {
    return this.#instance.requests.slices.run(work, () => call.isGone);
  }
}

async function sendTable(
  call: FlightCall,
  schema: Uint8Array,
  batch: Uint8Array,
): Promise<void> {
  await call.send(flightData(schema));
  await call.send(flightData(batch));
  call.end(null);
}

function filterOf(args: SearchArgs, catalog: Catalog): ChannelFilter {
  const { data_type: types, publisher: publishers } = args;
  return {
    match: args.pattern,
    types: types.length > 0 ? types as DataType[] : undefined,
    minRate: args.min_rate,
    maxRate: args.max_rate,
    publishers: publishers.length > 0 ? publishers : undefined,
    replayId: replayIdOf(args, catalog),
  };
}

/** arrakis-server answers a wrong expression with an internal error. */
function* searched<T>(search: SlicedWork<T>): SlicedWork<T> {
  try {
    return yield* search;
  } catch (error) {
    if (!(error instanceof BadExpressionError)) throw error;
    throw new FlightError(
      "internal",
      `pattern is not a valid RE2 expression: ${error.message}`,
    );
  }
}
