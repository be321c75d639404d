// What a request for lines must be: a range with an end, of channels whose samples have the same times.
import type { Channel } from "../../channels/channel.ts";
import type { StreamFormat } from "../../frames/stream_format.ts";
import { problem } from "../transport/problem.ts";
import type { StreamRequest } from "./stream_request.ts";

/** Most rates that a problem lists. */
const LISTED_MAX = 10;

/** The problem of a request that cannot be answered with lines, else null. */
export function unfitForLines(
  { channels, endNs, durationNs, trend }: StreamRequest,
  format: StreamFormat,
): Response | null {
  if (endNs === undefined && durationNs === undefined) {
    return problem("range_without_end", {
      detail:
        "/v1/data answers with a range that ends; give end or duration, such as start=-60&end=now. For a stream without " +
        "an end, use /v1/events or /v1/arrow",
      param: "end",
    });
  }
  if (format === "gwpy" && channels.length > 1) {
    return problem("too_many_channels", {
      detail:
        `format=gwpy has one channel, and ${channels.length} are selected; ask for one at a time, or for format=csv`,
      param: "channels",
    });
  }
  return trend === undefined ? differentRates(channels) : null;
}

function differentRates(channels: readonly Channel[]): Response | null {
  const [{ sampleRate }] = channels as readonly [Channel];
  if (channels.every((channel) => channel.sampleRate === sampleRate)) {
    return null;
  }
  // The first channel of each rate.
  const examples = new Map<number, string>();
  for (const { sampleRate, name } of channels) {
    if (!examples.has(sampleRate)) examples.set(sampleRate, name);
  }
  const rates = [...examples].sort(([a], [b]) => a - b);
  const listed = rates.slice(0, LISTED_MAX)
    .map(([rate, name]) => `${rate} Hz (${name})`).join(", ");
  return problem("rates_differ", {
    detail:
      `A line has a sample of each channel, and these have ${rates.length} sample rates: ${listed}${
        rates.length > LISTED_MAX ? ", …" : ""
      }. Ask for channels of one rate at a time, or for trend=1s; /v1/events and /v1/arrow send rows of different rates`,
    param: "channels",
  });
}
