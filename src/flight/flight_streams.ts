// DoGet of a stream: admits a client of the hub, and gives it an outlet over the call.
// Invariant: a refused or cancelled call releases every reservation.
import { ROW_STRIDE_MAX_NS, rowStrideOf } from "../blocks/row_stride.ts";
import type { Catalog } from "../channels/catalog.ts";
import type { Channel } from "../channels/channel.ts";
import type { SlicedWork } from "../channels/sliced_work.ts";
import { byName, sortedInSlices } from "../channels/sorted_names.ts";
import { rowSchema } from "../arrow/row_template.ts";
import type { Admission, FullAdmission } from "../clients/admission.ts";
import { flightData } from "../frames/flight_data.ts";
import { rateText } from "../frames/row_plan.ts";
import type { StreamArgs } from "./command.ts";
import type { FlightCall } from "./flight_call.ts";
import { FlightError } from "./flight_error.ts";
import { FlightOutlet } from "./flight_outlet.ts";
import { servedChannels } from "./named_channels.ts";
import type { Access, FlightInstance } from "./service.ts";

/** How far ahead of the clock a start may be, ns. */
const AHEAD_NS = 3_600_000_000_000n;

/** The encapsulated schema message of a stream. `channels` sorted by name, from {@linkcode streamChannels}. */
export function streamSchema(
  channels: readonly Channel[],
  { notes }: Catalog,
): SlicedWork<Uint8Array> {
  return rowSchema(
    channels.map(({ name, dataType, sampleRate }) => ({
      name,
      dataType,
      rate: rateText(sampleRate),
    })),
    notes.listOf(channels).notes,
  );
}

/** Sorted by name, and their notes looked up. Throws {@linkcode FlightError}. */
export function* streamChannels(
  args: StreamArgs,
  catalog: Catalog,
  channelsMax: number,
): SlicedWork<Channel[]> {
  const channels = yield* servedChannels(args, catalog, channelsMax);
  yield* catalog.notes.finding(channels);
  return yield* sortedInSlices(channels, byName);
}

/** Opens the stream of a call. Throws {@linkcode FlightError} where it is refused. */
export async function openStream(
  call: FlightCall,
  args: StreamArgs,
  access: Access,
  instance: FlightInstance,
): Promise<void> {
  const { config, hub, requests } = instance;
  const isGone = () => call.isGone;
  const channels = await requests.slices.run(
    streamChannels(args, access.catalog, config.channelsMax),
    isGone,
  );
  checkStrides(channels);
  if (isEmptyRange(args, instance)) {
    const schema = await requests.slices.run(
      streamSchema(channels, access.catalog),
      isGone,
    );
    await call.send(flightData(schema));
    return call.end(null);
  }
  const { address } = call;
  const { rights } = access;
  const refused = await hub.admission.waitForTurn(
    { address, rights },
    channels.length,
  );
  if (refused !== null) throw full(refused);
  if (call.isGone) return;
  const admission = hub.admission.admit(channels, "flight", {
    address,
    rights,
    trace: call.trace,
    startNs: args.start ?? undefined,
    endNs: args.end ?? undefined,
  });
  if (admission.kind !== "ready") throw refusalOf(admission);
  try {
    admission.open(new FlightOutlet(call));
  } finally {
    // Releases what was reserved, unless the stream has begun.
    admission.cancel();
  }
}

function checkStrides(channels: readonly Channel[]): void {
  const strideNs = rowStrideOf(new Set(channels.map((c) => c.strideNs)));
  if (strideNs <= ROW_STRIDE_MAX_NS) return;
  throw new FlightError(
    "unavailable",
    `a row of these channels would span ${strideNs} ns or more, the least common multiple of their strides; ` +
      `at most ${ROW_STRIDE_MAX_NS} ns are allowed`,
  );
}

/** Whether a range has no time. Throws for one that begins far in the future. */
function isEmptyRange(
  { start, end }: StreamArgs,
  instance: FlightInstance,
): boolean {
  const { timeNs: nowNs } = instance.now();
  if (start !== null && start > nowNs + AHEAD_NS) {
    throw new FlightError(
      "unavailable",
      `time range requested (${start} - ${end}) not available on this server`,
    );
  }
  return end !== null && end <= (start ?? nowNs);
}

function refusalOf(
  admission: Exclude<Admission, { readonly kind: "ready" }>,
): FlightError {
  switch (admission.kind) {
    case "full":
      return full(admission);
    case "too-large":
      return new FlightError("unavailable", admission.detail);
    case "changed":
      return new FlightError(
        "unavailable",
        `the channel ${admission.name} changed while the stream was being opened; try again`,
      );
    case "other-rights":
      return new FlightError(
        "unavailable",
        "what you may read has changed, or your credential has ended, while the stream was being opened; try again",
      );
  }
}

function full(
  { refusal, limit, of, reason = `the limit of ${limit} is reached` }:
    FullAdmission,
): FlightError {
  return new FlightError(
    "unavailable",
    `${reason} (${refusal}); ${
      of === null ? "try again later" : "close a stream of yours"
    }`,
  );
}
