// What a frame costs over TLS against plain HTTP: CPU time of the server for each row and client, in alternation in one
// run. Run `deno task bench:tls`; openssl makes the certificate.
// Invariant: both figures come from the same run; all clients of a trial read the same selection, so that it is encoded
// once and the rest is writing.
import {
  cpuSecondsBetween,
  growthOf,
  Metrics,
  processFigures,
} from "../scripts/scale/process_figures.ts";
import { median } from "../scripts/versus/side.ts";
import { launchQanat, Process, say, sleep } from "../test/integration/chain.ts";
import { testPair } from "../test/certificates.ts";
import { ROUNDS_MAX } from "./rounds.ts";
import { optionsOrExit, parsedBy } from "../src/settings/command.ts";
import { type CommandHelp, HELP_FLAG } from "../src/settings/command_help.ts";
import { readFlags, wholeOf } from "../src/settings/flags.ts";

const CLIENTS_MAX = 10_000;
const FLAGS = {
  rounds: {
    type: "string",
    unit: "N",
    help: "number of rounds; the result has their median ratio",
    default: "3",
  },
  clients: {
    type: "string",
    unit: "N",
    help: "clients of each trial",
    default: "400",
  },
  ...HELP_FLAG,
} as const;
const HELP: CommandHelp = {
  task: "bench:tls",
  does:
    "Measure the CPU time of a row over TLS, compared with plain HTTP (needs openssl)",
  usage: ["[flags]"],
  flags: FLAGS,
};
const { ROUNDS, CLIENTS } = optionsOrExit(
  HELP,
  parsedBy(() => {
    const { values } = readFlags(Deno.args, FLAGS);
    if (values.help) return "help";
    return {
      ROUNDS: wholeOf("--rounds", values.rounds, 1, ROUNDS_MAX),
      CLIENTS: wholeOf("--clients", values.clients, 1, CLIENTS_MAX),
    };
  }),
);
const SETTLE_S = 4;
const MEASURE_S = 10;
const SELECTIONS = [
  ["1 channel of 4,096 Hz, Arrow", "/v1/arrow?match=.*4KHZ_R1_WHITENED"],
  ["the same, events", "/v1/events?match=.*4KHZ_R1_WHITENED"],
  ["4 channels of 16,384 Hz, Arrow", "/v1/arrow?match=.*_16384"],
] as const;

interface Cost {
  readonly microseconds: number;
  readonly rowBytes: number;
}

async function trial(
  path: string,
  tlsArgs: readonly string[],
  client: Deno.HttpClient,
): Promise<Cost> {
  const isTls = tlsArgs.length > 0;
  const { qanat, port } = launchQanat([
    "--address-share-percent=100",
    "--log-level=warn",
    ...tlsArgs,
  ]);
  const base = `${isTls ? "https" : "http"}://127.0.0.1:${port}`;
  const metrics = () => Metrics.of(base, client);
  await qanat.says(/serving on/);
  const reader = new Process("reader", Deno.execPath(), [
    "run",
    "--no-prompt",
    "-P=test",
    new URL("tls_reader.ts", import.meta.url).pathname,
    String(CLIENTS),
    String(port),
    path,
    String(isTls),
  ]);
  try {
    // All handshakes are over: they are not the cost of a row.
    while ((await metrics())!.get("clients")! < CLIENTS) await sleep(200);
    await sleep(SETTLE_S * 1000);
    const [before, cpuBefore] = [await metrics(), processFigures(qanat.pid)];
    await sleep(MEASURE_S * 1000);
    const [after, cpuAfter] = [await metrics(), processFigures(qanat.pid)];
    const rows = growthOf(["frames_sent_total"], before, after)!;
    const bytes = growthOf(["bytes_sent_total"], before, after)!;
    return {
      microseconds: 1e6 * cpuSecondsBetween(cpuBefore, cpuAfter) / rows,
      rowBytes: bytes / rows,
    };
  } finally {
    await reader.stop();
    await qanat.stop();
  }
}

const pair = testPair();
const client = Deno.createHttpClient({ caCerts: [pair.cert] });
const directory = await Deno.makeTempDir({ prefix: "qanat-bench-" });
await Deno.writeTextFile(`${directory}/cert`, pair.cert);
await Deno.writeTextFile(`${directory}/key`, pair.key);
const tlsArgs = [
  `--tls-cert=${directory}/cert`,
  `--tls-key=${directory}/key`,
];
for (const [name, path] of SELECTIONS) {
  const ratios: number[] = [];
  for (let round = 1; round <= ROUNDS; round++) {
    const plain = await trial(path, [], client);
    const over = await trial(path, tlsArgs, client);
    ratios.push(over.microseconds / plain.microseconds);
    say(
      `${name}, ${CLIENTS} clients, rows of ${Math.round(plain.rowBytes)} B: ` +
        `plain ${plain.microseconds.toFixed(1)} µs, TLS ${
          over.microseconds.toFixed(1)
        } µs of CPU per row, ratio ${ratios.at(-1)!.toFixed(2)}`,
    );
  }
  say(`${name}: median ratio ${median(ratios).toFixed(2)}`);
}
client.close();
await Deno.remove(directory, { recursive: true });
