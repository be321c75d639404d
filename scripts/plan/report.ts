// The text that `deno task plan` prints.
import * as costs from "./costs.ts";
import { type Load } from "./load.ts";
import type { Plan } from "./plan.ts";

/** The plan of a load, for people. */
export function reportOf(load: Load, plan: Plan): string {
  const { clients, channels, rateHz, dataType, format, isDifferent } = load;
  const head = `${count(clients)} clients, ${format}${
    load.hasTls ? " over TLS" : ""
  }, ${isDifferent ? "all selections different" : "one selection"}: ${
    count(channels)
  } channels of ${count(rateHz)} Hz ${dataType}, ${
    short(plan.rowsPerSecond)
  } rows/s\n\n`;
  if (plan.isReadingTooMuch) {
    return head +
      `To read ${count(load.channelsInAll)} channels takes ${
        short(plan.readingCores)
      } cores of each instance, and one instance has ${costs.CORE_USE.value}: ` +
      "let groups of instances serve parts of the channels.\n";
  }
  return head + table(load, plan) + settings(load, plan) + advice(load, plan) +
    sources(load);
}

function table({ relays, workers }: Load, plan: Plan): string {
  const each = plan.instances > 1 ? " for each instance" : "";
  const threads = workers === 1
    ? "each with a core of its own"
    : `each with ${workers} workers that have a core of their own, a thread that reads,`;
  const following = workers === 1
    ? ""
    : `, ${short(plan.followingCores)} for each worker to follow it`;
  const lines = [
    [
      "a row",
      `${count(Math.ceil(plan.rowBytes))} bytes, ${
        short(plan.rowUs)
      } µs of CPU for each client`,
    ],
    [
      "instances",
      `${count(plan.instances)}, ${threads} and up to ${
        count(plan.clientsEach)
      } clients`,
    ],
    [
      "CPU",
      `${short(plan.clientCores)} cores for all clients, ${
        short(plan.readingCores)
      } for reading${each}${following}`,
    ],
    ["memory", `${count(plan.memoryMb)} MiB${each}`],
    [
      "network",
      `${count(Math.ceil(plan.networkMbit))} Mbit/s to clients, ${
        count(Math.ceil(plan.kafkaMbit))
      } Mbit/s from Kafka${each}`,
    ],
    ...relays === 0 ? [] : [[
      "relays",
      `${count(relays)} at one instance, which takes ${
        short(plan.relayCores)
      } cores and ${
        count(Math.ceil(plan.relayMbit))
      } Mbit/s more, whatever clients they have; --relay-streams-max=${
        Math.max(8, relays * costs.RELAY_STREAMS)
      }`,
    ]],
    ["open files", `${count(plan.openFiles)}${each}`],
  ];
  return lines.map(([name, text]) => `  ${name!.padEnd(12)}${text}\n`).join(
    "",
  ) + "\n";
}

function settings({ workers }: Load, plan: Plan): string {
  return `Settings${plan.instances > 1 ? " of each instance" : ""}:\n\n  ` +
    (workers === 1 ? "" : `--workers=${workers} `) +
    `--clients-max=${plan.clientsEach} --retention-mb=${plan.retentionMb} --slab-mb=${plan.slabMb}\n\n`;
}

function advice({ format, hasTls, workers }: Load, plan: Plan): string {
  const lines: string[] = [];
  if (plan.instances > 1 && workers === 1) {
    lines.push(
      `On a machine with ${
        plan.instances + 1
      } cores or more, one instance with --workers ${plan.instances} does the same, ` +
        `with one page ring and one reading of Kafka: plan it with --workers ${plan.instances}.`,
    );
  }
  if (plan.instances > 1) {
    lines.push(
      "Put a proxy in front that spreads clients over the instances (docs/deployment.md).",
    );
  }
  if (plan.networkMbit > 1000 && format === "events") {
    lines.push(
      "events+gzip takes half of the network and twice the CPU; trends take far less of both.",
    );
  }
  if (hasTls) {
    lines.push(
      "A proxy that does TLS on other cores halves the CPU of the instances.",
    );
  }
  return lines.length > 0 ? `${lines.join("\n")}\n\n` : "";
}

function sources(
  { format, hasTls, isDifferent, relays, workers }: Load,
): string {
  const used = [
    costs.CORE_USE.source,
    costs.WRITE_US.source,
    ...isDifferent ? [costs.SELECTION_SOURCE] : [],
    ...costs.SAMPLE_US[format] > 0 ? [costs.SAMPLE_SOURCE] : [],
    ...format === "flight" ? [costs.FLIGHT_TIMES.source] : [],
    ...format === "events+gzip" ? [costs.GZIP_SHARE.source] : [],
    ...hasTls ? [costs.TLS_TIMES.source] : [],
    costs.READING_CORES.source,
    ...workers > 1
      ? [costs.FOLLOWING_CORES.source, costs.WORKER_MB.source]
      : [],
    ...relays > 0 ? [costs.RELAY_CORES_PER_MB.source] : [],
    costs.CLIENT_KB.source,
    costs.PROCESS_MB.source,
  ];
  return "From these measurements, on one machine. Measure yours: deno task scale --limit\n\n" +
    used.map((source) => `  ${source}\n`).join("");
}

function count(value: number): string {
  return value.toLocaleString("en-US");
}

function short(value: number): string {
  return value >= 100
    ? count(Math.round(value))
    : String(Number(value.toPrecision(2)));
}
