// GetFlightInfo: the plan of a command, which is always one endpoint here: this connection, with the command as ticket.
import { FLIGHT_SCHEMAS } from "../arrow/flight_schemas.ts";
import type { Catalog } from "../channels/catalog.ts";
import type { SlicedWork } from "../channels/sliced_work.ts";
import { type Command, writeCommand } from "./command.ts";
import { FlightError } from "./flight_error.ts";
import { streamChannels, streamSchema } from "./flight_streams.ts";
import { writeFlightInfo } from "./messages.ts";
import { servedChannels } from "./named_channels.ts";
import { replayIdOf } from "./replay_context.ts";

/** The location that means: the connection which asked. */
const REUSE_CONNECTION = "arrow-flight-reuse-connection://?";

export interface FlightInfoOptions {
  readonly channelsMax: number;
  readonly mayPublish: boolean;
}

/** The answer to a command. `bytes`: as it was sent. Throws {@linkcode FlightError}. */
export function* flightInfo(
  command: Command,
  bytes: Uint8Array,
  catalog: Catalog,
  options: FlightInfoOptions,
): SlicedWork<Uint8Array> {
  return writeFlightInfo({
    schema: yield* schemaOf(command, catalog, options),
    path: bytes,
    endpoints: [{
      ticket: ticketOf(command, bytes),
      location: REUSE_CONNECTION,
    }],
  });
}

/** The schema of the answer, once everything that can be refused has been checked. */
function* schemaOf(
  command: Command,
  catalog: Catalog,
  { channelsMax, mayPublish }: FlightInfoOptions,
): SlicedWork<Uint8Array> {
  const { request, args } = command;
  switch (request) {
    case "Find":
      replayIdOf(args, catalog);
      return FLIGHT_SCHEMAS.channels;
    case "Count":
      replayIdOf(args, catalog);
      return FLIGHT_SCHEMAS.count;
    case "Describe":
      yield* servedChannels(args, catalog, channelsMax);
      return FLIGHT_SCHEMAS.channels;
    case "Stream":
      return yield* streamSchema(
        yield* streamChannels(args, catalog, channelsMax),
        catalog,
      );
    case "Publish":
      if (!mayPublish) throw noPublishing();
      return FLIGHT_SCHEMAS.properties;
    case "Partition":
      // The exchange itself is refused, with the reason.
      return FLIGHT_SCHEMAS.partition;
  }
}

/** A publisher asks where to publish, and this instance does not say. */
export function noPublishing(): FlightError {
  return new FlightError(
    "flight",
    "publish not supported for server backend: this instance does not hand out the addresses of Kafka (--flight-publish)",
  );
}

/** A publisher's command is its ticket as it came; the others get the version of the schema. */
function ticketOf(command: Command, bytes: Uint8Array): Uint8Array {
  const { request } = command;
  return request === "Publish" || request === "Partition"
    ? bytes
    : writeCommand(command);
}
