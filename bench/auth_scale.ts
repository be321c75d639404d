// What authentication costs 1,000 clients: CPU of the server for each row and for each opening, without it, with a token
// file of 1,000 tokens (of one set of rules, and of 1,000 different ones), and with 1,000 JWTs of one issuer. Run
// `deno task bench:auth`; it needs a C compiler and Java with Maven.
// Invariant: all instances are measured in the same seconds, on one broker, with the same selections, so that the load of
// the machine is the same for all.
import { exportJWK, generateKeyPair, SignJWT } from "jose";
import { roundsOrExit } from "./rounds.ts";
import {
  cpuSecondsBetween,
  type ProcessFigures,
  processFigures,
} from "../scripts/scale/process_figures.ts";
import {
  buildReader,
  Reader,
  type ReaderOptions,
} from "../scripts/scale/reader.ts";
import {
  differentSelections,
  requestLine,
} from "../scripts/scale/selections.ts";
import { World } from "../scripts/scale/world.ts";
import { median } from "../scripts/versus/side.ts";
import { hashOf, newToken } from "../src/auth/token.ts";
import {
  freePort,
  launchQanat,
  PARTS,
  type Process,
  say,
  sleep,
} from "../test/integration/chain.ts";

const ROUNDS = roundsOrExit(
  "bench:auth",
  "Measure the CPU time of 1,000 clients without authentication, with tokens and with JWTs (needs a C compiler, Java, Maven)",
);
const CLIENTS = 1000;
const SECONDS = 20;
/** The readers end by themselves if nothing ends them. */
const READER_MAX_S = 1200;
const TICK_MS = 100;
const CONNECT_RATE = 500;
const WAIT_MAX_MS = 240_000;
/** Clients that come and go first, so that all code is compiled. */
const WARM_UP_CLIENTS = 200;
const SETTLE_MS = 4000;
/** About what a row costs, which is taken off the cost of an opening, µs. */
const ROW_US = 12;
const AUDIENCE = "https://qanat.example.org";
const KINDS = ["none", "tokens", "jwt", "rules"] as const;

type Kind = typeof KINDS[number];

/** How one kind of instance is started, and the credential of each client. */
interface Setup {
  readonly args: readonly string[];
  /** "" where none is needed. */
  readonly tokenOf: (client: number) => string;
}

/** CPU of the server, µs. */
interface Cost {
  readonly row: number;
  readonly opening: number;
}

/** @param ruleOf the expression of each token */
async function tokenSetup(
  file: string,
  ruleOf: (client: number) => string,
): Promise<Setup> {
  const tokens = Array.from({ length: CLIENTS }, newToken);
  const entries = tokens.map((token, i) => ({
    name: `client-${i}`,
    sha256: hashOf(token),
    read: [{ match: ruleOf(i) }],
  }));
  await Deno.writeTextFile(file, JSON.stringify({ tokens: entries }));
  return {
    args: ["--auth=tokens", `--auth-token-file=${file}`],
    tokenOf: (client) => tokens[client]!,
  };
}

async function jwtSetup(): Promise<Setup & { close(): Promise<void> }> {
  const { publicKey, privateKey } = await generateKeyPair("ES256", {
    extractable: true,
  });
  const keys = [{ ...await exportJWK(publicKey), kid: "1", alg: "ES256" }];
  const port = freePort();
  const issuer = `http://127.0.0.1:${port}`;
  const server = Deno.serve(
    { port, hostname: "127.0.0.1", onListen: () => {} },
    (request) =>
      Response.json(
        request.url.endsWith("/keys")
          ? { keys }
          : { issuer, jwks_uri: `${issuer}/keys` },
      ),
  );
  const tokens = await Promise.all(
    Array.from({ length: CLIENTS }, (_, i) =>
      new SignJWT({
        iss: issuer,
        aud: AUDIENCE,
        sub: `client-${i}`,
        scope: "openid arrakis.read:/",
        groups: ["/laboratory/readers"],
      }).setProtectedHeader({ alg: "ES256", kid: "1" }).setIssuedAt()
        .setExpirationTime("12h").sign(privateKey)),
  );
  return {
    args: [
      "--auth=jwt",
      `--auth-issuer=${issuer}`,
      `--auth-audience=${AUDIENCE}`,
    ],
    tokenOf: (client) => tokens[client]!,
    close: () => server.shutdown(),
  };
}

/** One kind of instance with its clients. */
class Loaded {
  readonly qanat: Process;
  readonly url: string;
  openingUs = 0;
  #load: Reader | null = null;
  readonly #options: Omit<ReaderOptions, "clients" | "seconds" | "lines">;
  readonly #program: string;
  readonly #lines: readonly string[];

  constructor(
    world: World,
    program: string,
    { args, tokenOf }: Setup,
    selections: readonly string[][],
  ) {
    const { qanat, port, url } = launchQanat([
      `--kafka=${world.broker.address}`,
      "--log-level=warn",
      "--clients-max=20000",
      "--address-share-percent=100",
      // On a busy machine requests wait long for their turn.
      "--request-wait-ms=600000",
      ...args,
    ]);
    world.adopt(qanat);
    this.qanat = qanat;
    this.url = url;
    this.#program = program;
    this.#lines = selections.map((selection, i) => {
      const token = tokenOf(i);
      const header = token === "" ? "" : `\tAuthorization: Bearer ${token}`;
      return requestLine(selection, "arrow") + header;
    });
    this.#options = { port, format: "arrow", home: world, settleS: 1 };
  }

  /** Opens all clients, and notes what that costs without the rows that were sent meanwhile. */
  async open(): Promise<void> {
    await this.qanat.answers(`${this.url}/readyz`, WAIT_MAX_MS);
    const warmUp = this.#reader(WARM_UP_CLIENTS, 1);
    await warmUp.figures();
    await warmUp.stop();
    const before = processFigures(this.qanat.pid);
    const load = this.#load = this.#reader(CLIENTS, READER_MAX_S);
    const attached = await load.attached(WAIT_MAX_MS);
    const after = processFigures(this.qanat.pid);
    if (attached.clients < CLIENTS) {
      throw new Error(
        `${this.url}: not all were attached: ${JSON.stringify(attached)}`,
      );
    }
    const rows = rowsOf(load);
    this.openingUs = (cpuUs(before, after) - rows * ROW_US) / CLIENTS;
  }

  /** CPU and rows so far. */
  figures() {
    const process = processFigures(this.qanat.pid);
    return { process, rows: rowsOf(this.#load!) };
  }

  async close(): Promise<void> {
    await this.#load?.stop();
    await this.qanat.stop();
  }

  #reader(clients: number, seconds: number): Reader {
    return new Reader(this.#program, {
      ...this.#options,
      clients,
      seconds,
      lines: this.#lines.slice(0, clients),
      flags: [
        ...["--rate", `${CONNECT_RATE}`, "--tick-ms", `${TICK_MS}`],
        ...["--attach-seconds", `${WAIT_MAX_MS / 1000}`],
      ],
    });
  }
}

const cpuUs = (a: ProcessFigures, b: ProcessFigures) =>
  1e6 * cpuSecondsBetween(a, b);

function rowsOf(load: Reader): number {
  return load.ticks().reduce((sum, tick) => sum + tick.rows, 0);
}

/** Opens all kinds one after the other, then measures them in the same seconds. */
async function measure(
  world: World,
  program: string,
  selections: readonly string[][],
  order: readonly Kind[],
): Promise<Record<Kind, Cost>> {
  const loaded = new Map<Kind, Loaded>();
  try {
    for (const kind of order) {
      const one = new Loaded(world, program, setups[kind], selections);
      loaded.set(kind, one);
      await one.open();
    }
    await sleep(SETTLE_MS);
    const before = new Map(order.map((k) => [k, loaded.get(k)!.figures()]));
    await sleep(1000 * SECONDS);
    return Object.fromEntries(order.map((kind) => {
      const { process, rows } = loaded.get(kind)!.figures();
      const from = before.get(kind)!;
      const row = cpuUs(from.process, process) / (rows - from.rows);
      return [kind, { row, opening: loaded.get(kind)!.openingUs }];
    })) as Record<Kind, Cost>;
  } finally {
    for (const one of loaded.values()) await one.close();
  }
}

function report(costs: Record<Kind, Cost[]>): void {
  for (const kind of KINDS) {
    const ratios = costs[kind].map(({ row }, i) => row / costs.none[i]!.row);
    const more = costs[kind].map(({ opening }, i) =>
      opening - costs.none[i]!.opening
    );
    say(
      `${kind}: ${
        median(costs[kind].map(({ row }) => row)).toFixed(2)
      } µs a row (${median(ratios).toFixed(3)} of without), ${
        median(costs[kind].map(({ opening }) => opening)).toFixed(0)
      } µs an opening (${median(more).toFixed(0)} more than without)`,
    );
  }
}

for (const part of [PARTS.cc, PARTS.kafka]) {
  if (part.program === null) throw new Error(part.howToGet);
}
const program = buildReader(PARTS.cc.program!);
const world = await World.start({ publisher: "embedded" });
const jwt = await jwtSetup();
const file = (name: string) => `${world.directory}/${name}.json`;
const setups: Record<Kind, Setup> = {
  none: { args: [], tokenOf: () => "" },
  tokens: await tokenSetup(file("tokens"), () => "H1:LOAD-.*"),
  jwt,
  rules: await tokenSetup(file("rules"), (i) => `H1:LOAD-.*|CLIENT-${i}`),
};
const costs: Record<Kind, Cost[]> = {
  none: [],
  tokens: [],
  jwt: [],
  rules: [],
};
try {
  const { names, process } = await world.launch();
  await process.stop();
  const selections = differentSelections(names, CLIENTS);
  for (let round = 0; round < ROUNDS; round++) {
    // Each kind is the first one in turn.
    const order = KINDS.map((_, i) => KINDS[(i + round) % KINDS.length]!);
    const measured = await measure(world, program, selections, order);
    for (const kind of KINDS) {
      costs[kind].push(measured[kind]);
      const { row, opening } = measured[kind];
      say(
        `round ${round + 1}, ${kind}: ${row.toFixed(2)} µs a row, ${
          opening.toFixed(0)
        } µs an opening`,
      );
    }
  }
  report(costs);
} finally {
  await world.close();
  await jwt.close();
}
Deno.exit(0);
