// Two instances over the same log, of which one also knows channels that the principal of the test may not read.
// Both are driven by the same script; what the principal receives must be the same, byte for byte.
import { AccessControl } from "../../src/auth/access_control.ts";
import { ANONYMOUS, type Claims } from "../../src/auth/claims.ts";
import { Grant } from "../../src/auth/grant.ts";
import type { GrantBook } from "../../src/auth/grant_book.ts";
import { ReadRule } from "../../src/auth/read_rule.ts";
import type { Catalog } from "../../src/channels/catalog.ts";
import type { Channel } from "../../src/channels/channel.ts";
import { newSamples } from "../../src/arrow/arrow_types.ts";
import type { EmbeddedChannel } from "../../src/source/synthetic.ts";
import { Random } from "../random.ts";

const HIDDEN_MARK = "QANAT";
/** Names differ from those of the visible channels by one letter. */
const HIDDEN_LETTER = "QANAX";
export const READER = "t-reader";
export const INSIDER = "t-insider";
/** Reads the forbidden channels alone. */
export const OTHER = "t-other";
/** A publisher and a replay of which the reader may read nothing. */
export const HIDDEN_PUBLISHER = "SECRET";
export const HIDDEN_REPLAY = "secret";
/** Indexes of hidden channels in their partitions. */
const INDEX_STEP = 50;

/** One hidden channel for each visible one: same publisher, partition and index space, a name that differs by a letter. */
export function hiddenTwins(
  channels: readonly EmbeddedChannel[],
): EmbeddedChannel[] {
  return channels.map(({ channel }) => ({
    channel: {
      ...channel,
      name: channel.name.replace(HIDDEN_MARK, HIDDEN_LETTER),
      partitionIndex: channel.partitionIndex + INDEX_STEP,
    },
    // Another value than its visible twin, so that a mistake shows.
    samples: (first, count) => {
      const samples = newSamples(channel.dataType, count);
      for (let i = 0; i < count; i++) {
        samples[i] = (typeof samples[0] === "bigint"
          ? BigInt(first + i)
          : (first + i) % 100) as never;
      }
      return samples;
    },
  }));
}

const ALL_VISIBLE = `H1:${HIDDEN_MARK}-.*`;

/** Who may read what, and its changes. */
export class TwinBook implements GrantBook {
  version = 0;
  readonly #grants = new Map([
    ["reader", new Grant({ read: [new ReadRule({ match: ALL_VISIBLE })] })],
    ["insider", new Grant({ read: "all", isOperator: true })],
    ["other", hiddenOnly()],
  ]);
  readonly #listeners: (() => void)[] = [];

  /** Other rules for the reader. */
  changeReader(match: string): void {
    const read = [new ReadRule({ match })];
    this.#change("reader", new Grant({ read }));
  }

  /** Other rules for `t-other`, of which the reader must notice nothing. */
  changeOther(read: "nothing" | "all" | "hidden"): void {
    const grant = read === "hidden"
      ? hiddenOnly()
      : new Grant({ read: read === "all" ? read : [] });
    this.#change("other", grant);
  }

  grantOf({ subject }: Claims): Grant {
    return this.#grants.get(subject) ?? new Grant({ read: [] });
  }

  expiresMsOf({ expiresMs }: Claims): number {
    return expiresMs;
  }

  onChange(listener: () => void): void {
    this.#listeners.push(listener);
  }

  #change(subject: string, grant: Grant): void {
    this.#grants.set(subject, grant);
    this.version++;
    for (const listener of this.#listeners) listener();
  }
}

function hiddenOnly(): Grant {
  const match = `H1:${HIDDEN_LETTER}-.*`;
  return new Grant({ read: [new ReadRule({ match })] });
}

/** `t-reader` may read the visible channels, `t-other` the others, `t-insider` all. */
export function twinAccess(
  catalog: Catalog,
  { book = new TwinBook(), viewsMax }: {
    readonly book?: TwinBook;
    readonly viewsMax?: number;
  } = {},
): AccessControl {
  return new AccessControl({
    catalog,
    book,
    ...(viewsMax === undefined ? {} : { viewsMax }),
    verifiers: [{
      kindText: "a token of this test",
      recognizes: (token) => token.startsWith("t-"),
      vouchesFor: () => true,
      verify: (token) => ({
        ...ANONYMOUS,
        kind: "token",
        subject: token.slice(2),
      }),
    }],
  });
}

/** What the script knows of the channels. */
export interface ScriptNames {
  readonly visible: readonly string[];
  readonly hidden: readonly string[];
  /** Publishers and replays, known and unknown. */
  readonly publishers: readonly string[];
  readonly replays: readonly string[];
  /** Expressions on names. */
  readonly expressions: readonly string[];
}

/** The names of the worlds that this file makes. */
export function scriptNames(
  visible: readonly EmbeddedChannel[],
  hidden: readonly EmbeddedChannel[],
): ScriptNames {
  const namesOf = (channels: readonly EmbeddedChannel[]) =>
    channels.map(({ channel }) => channel.name);
  return {
    visible: namesOf(visible),
    hidden: namesOf(hidden),
    publishers: ["QANAT", "GWOSC", "NONE", HIDDEN_PUBLISHER],
    replays: ["r1", "r2", HIDDEN_REPLAY],
    expressions: [
      ".*",
      "H1:.*",
      "H1:QANA.-.*",
      `H1:${HIDDEN_LETTER}.*`,
      ".*X.*",
      ".*_16|.*_64",
      "(",
      "",
    ],
  };
}

/** The time of the script. */
export interface ScriptTime {
  /** Index of the row that is about to come. */
  readonly row: number;
  /** The same for trends, where they are not recorded as far back. @default row */
  readonly trendRow?: number;
  readonly strideNs: bigint;
}

/** Paths that have nothing to do with channels, or that are not for readers. */
const PLAIN_PATHS = [
  "/healthz",
  "/readyz",
  "/openapi.json",
  "/asyncapi.json",
  "/docs",
  "/qanat.js",
  "/",
  "/v1/session",
  "/v1/nothing",
  "/v1/replays",
  "/v1/channels?odd=1",
  "/v1/events",
];
/** For operators. */
const OPERATOR_PATHS = [
  "/metrics",
  "/v1/status",
  "/v1/clients",
  "/v1/clients?limit=1",
  "/v1/clients/1",
];

/** One request of the script. */
export interface ScriptedRequest {
  readonly path: string;
  readonly method?: string;
  readonly headers?: Record<string, string>;
  readonly body?: string;
}

/** A request of any kind, about visible, forbidden and unknown channels alike. */
export function scriptedRequest(
  random: Random,
  { visible, hidden, publishers, replays, expressions }: ScriptNames,
  now: ScriptTime,
): ScriptedRequest {
  const name = () => {
    const known = random.of(random.once(4) ? hidden : visible);
    switch (random.below(20)) {
      case 0:
        return known.slice(0, -1);
      case 1:
        return known + "X";
      case 2:
        return known.toLowerCase();
      default:
        return known;
    }
  };
  const names = () =>
    Array.from({ length: 1 + random.below(3) }, name).join(",");
  const expression = () => random.of(expressions);
  const idOf = (row: number) => String(BigInt(row) * now.strideNs);
  const gpsOf = (row: number) => String(row / 16);
  const back = random.below(60);
  const from = now.row - back;
  const encoded = encodeURIComponent;
  const query = (parts: Record<string, string>) =>
    Object.entries(parts).map(([k, v]) => `${k}=${encoded(v)}`).join("&");
  const stream = random.of([
    "/v1/events?",
    "/v1/arrow?",
    "/v1/data?duration=0.5&",
  ]);
  switch (random.below(16)) {
    case 0:
      return { path: `/v1/channels?${query({ match: expression() })}` };
    case 1:
      return { path: `/v1/channels/count?${query({ match: expression() })}` };
    case 2:
      return { path: `/v1/channels/${encoded(name())}` };
    case 3:
      return {
        path: `/v1/channels?${
          query({ limit: String(1 + random.below(3)), after: name() })
        }`,
        headers: random.once(2)
          ? { accept: "application/vnd.apache.arrow.stream" }
          : {},
      };
    case 4:
      return {
        path: `/v1/channels?${
          query({
            publisher: random.of(publishers),
            type: random.of(["int16", "int64", "float64"]),
          })
        }`,
      };
    case 5:
      return { path: `${stream}${query({ match: expression() })}` };
    case 6:
      return {
        path: `${stream}${
          query({ channels: names(), start: gpsOf(from), duration: "0.5" })
        }`,
      };
    case 7:
      return {
        path: `${stream}${query({ channels: names(), after: idOf(from) })}`,
      };
    case 8:
      return {
        path: `/v1/events?${
          query({
            channels: names(),
            trend: "1s",
            start: gpsOf((now.trendRow ?? now.row) - back),
            duration: "2",
          })
        }`,
      };
    case 9:
      return {
        path: `${stream}${
          query({ channels: names(), replay: random.of(replays) })
        }`,
      };
    case 10:
      return {
        path: stream,
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({
          channels: names().split(","),
          gaps: random.of(["fill", "skip", "fail", "odd"]),
        }),
      };
    case 11:
      return {
        path: random.of(PLAIN_PATHS),
        method: random.of(["GET", "HEAD", "POST", "DELETE"]),
      };
    case 12:
      return {
        path: `${stream}${query({ channels: names() })}`,
        method: "HEAD",
      };
    case 13:
      return {
        path: random.of(OPERATOR_PATHS),
        method: random.of(["GET", "HEAD", "DELETE"]),
      };
    case 14:
      return {
        path: random.of([
          `/v1/latest?${query({ channels: names() })}`,
          `/v1/channels?${query({ replay: random.of(replays) })}`,
          `/v1/channels/${encoded(name())}?replay=${random.of(replays)}`,
          `${stream}${query({ channels: names(), latest: "1" })}`,
          `/v1/latest?${query({ match: expression() })}`,
          "/v1/replays",
          "/v1/replays?limit=1",
        ]),
      };
    default:
      return { path: `${stream}${query({ channels: names() })}` };
  }
}

/** A channel in another context, or with another property, as a publisher may claim it. */
export function changed(
  channel: Channel,
  changes: Partial<Channel>,
): Channel {
  return { ...channel, ...changes };
}
