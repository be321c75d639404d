// What a row costs, from measurements. Each figure names its source: one machine with 2 cores, on which the broker, the
// publisher and the clients ran as well.
import type { PlanFormat } from "./load.ts";

/** One figure and where it was measured. */
export interface Cost {
  readonly value: number;
  readonly source: string;
}

const SCALING = "bench/scaling.md, How many clients";

/** CPU of the server for one write of a row to one client, without its bytes, µs. */
export const WRITE_US: Cost = {
  value: 5.6,
  source:
    `${SCALING}: one selection, 4,000 clients, Arrow 6.4 to 7.1, events 8.9`,
};

/** CPU for each KB of a row, µs: the same rows, 5.7 KB and 14.6 KB. */
export const KB_US: Cost = { value: 0.2, source: WRITE_US.source };

/** What a row of one selection costs once: µs, and µs more for each of its channels. */
export const SELECTION_US: Readonly<
  Record<PlanFormat, { readonly row: number; readonly channel: number }>
> = {
  arrow: { row: 4.8, channel: 0.075 },
  events: { row: 4.8, channel: 0.12 },
  "events+gzip": { row: 4.8, channel: 1.4 },
  flight: { row: 4.8, channel: 0.075 },
};
export const SELECTION_SOURCE =
  `${SCALING}: different selections less one selection, 10 channels`;

/** What a sample costs once for all clients, µs: its text, and the text deflated. */
export const SAMPLE_US: Readonly<Record<PlanFormat, number>> = {
  arrow: 0,
  events: 0.078,
  "events+gzip": 0.2,
  flight: 0,
};
export const SAMPLE_SOURCE = "bench/RESULTS.md: 128 float32 as text 10.0 µs";

/** A row over HTTP/2 takes so many times the write. */
export const FLIGHT_TIMES: Cost = {
  value: 4,
  source:
    "docs/flight.md: 32 µs a row over node:http2, where HTTP/1.1 takes 8.8",
};

/** A row over TLS takes so many times the write. */
export const TLS_TIMES: Cost = {
  value: 1.9,
  source: "docs/scaling.md, TLS: 1.7 to 2.2",
};

/** Reading Kafka: cores for an instance, and for each MB/s. */
export const READING_CORES: Cost = {
  value: 0.034,
  source:
    "docs/scaling.md, What a load needs: reading takes 3.5 % of a core at 0.85 MB/s, 5 to 6 % at 8.6 MB/s",
};
export const READING_CORES_PER_MB = 0.0025;

/** With several workers: cores of each for following what the reading thread reads. For each MB/s at most as reading. */
export const FOLLOWING_CORES: Cost = {
  value: 0.014,
  source: "docs/scaling.md, Workers: a worker without clients, 100 channels",
};

/** Sending blocks to one relay: cores for each MB/s. */
export const RELAY_CORES_PER_MB: Cost = {
  value: 0.003,
  source: "docs/scaling.md, A tree of relays: 4 relays instead of 1",
};
/** Streams of one relay, a few histories included. */
export const RELAY_STREAMS = 6;

/** How much of a core a thread that serves may use, so that p99 stays below a stride. */
export const CORE_USE: Cost = {
  value: 0.7,
  source:
    `${SCALING}: 3,600 clients at 0.70 cores hold, 4,000 at 0.77 in two runs of three`,
};

/** An event in gzip has so much of its plain bytes. */
export const GZIP_SHARE: Cost = {
  value: 0.47,
  source: "bench/scaling.md: 110 MB/s of gzip instead of 234",
};

/** Memory of a process without ring, slab and clients, and of one client, with its socket. */
export const PROCESS_MB: Cost = {
  value: 160,
  source: "docs/operating.md, Memory: 210 MB with 20 MB of ring, and trends",
};
/** Memory of each worker, where there are several, without its part of the slab and its clients. */
export const WORKER_MB: Cost = {
  value: 32,
  source: "docs/scaling.md, Workers: memory",
};
export const CLIENT_KB: Cost = {
  value: 14,
  source: "docs/scaling.md, Memory per client: Arrow, all different, 16 rows/s",
};
export const TLS_CLIENT_KB: Cost = {
  value: 40,
  source: "docs/scaling.md, TLS",
};
