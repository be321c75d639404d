// The parameters of /v1/data, which answers with a range as text, and the media types of its formats.
import type { LineFormat } from "../../frames/stream_format.ts";
import type { Parameters } from "./api_document.ts";
import { ALL } from "./stream_parameters.ts";

/** Formats by the media types that `Accept` may name, best first; `gwpy` is chosen by `format=` alone. */
export const LINE_TYPES: Readonly<Record<string, LineFormat>> = {
  "text/csv": "csv",
  "application/x-ndjson": "ndjson",
  "application/ndjson": "ndjson",
  "application/jsonl": "ndjson",
};

export const DATA_PARAMETERS: Parameters = {
  channels: {
    ...ALL.channels,
    description:
      "Names of channels of one sample rate (with `trend`, of any), `A,B`; may be repeated",
    examples: [["H1:GWOSC-4KHZ_R1_STRAIN", "L1:GWOSC-4KHZ_R1_STRAIN"]],
  },
  match: { ...ALL.match, examples: ["H1:GWOSC-4KHZ"] },
  replay: ALL.replay,
  start: ALL.start,
  end: {
    ...ALL.end,
    description:
      "End of the range, exclusive; one of `end` and `duration` is required, not both",
  },
  duration: ALL.duration,
  gaps: {
    ...ALL.gaps,
    description:
      "For missing rows: `fill` sends them with nulls, `skip` leaves them out, `fail` breaks the body off",
  },
  trend: {
    ...ALL.trend,
    description:
      "Sends minimum, mean, maximum and count of each bin of this length instead of samples; with `format=gwpy` the mean",
  },
  format: ALL.format,
  units: ALL.units,
};
