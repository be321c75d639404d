// Two instances over the same log, of which one also knows channels that the principal of the test may not read.
// Both are driven by the same script; what the principal receives must be the same, byte for byte.
import { AccessControl } from "../../src/auth/access_control.ts";
import { ANONYMOUS, type Claims } from "../../src/auth/claims.ts";
import { Grant } from "../../src/auth/grant.ts";
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

/** `t-reader` may read the visible channels, `t-insider` all. */
export function twinAccess(catalog: Catalog): AccessControl {
  const claims = (subject: string): Claims => ({
    ...ANONYMOUS,
    kind: "token",
    subject,
  });
  const reader = new Grant({
    read: [new ReadRule({ match: `H1:${HIDDEN_MARK}-.*` })],
  });
  const insider = new Grant({ read: "all", isOperator: true });
  const none = new Grant({ read: [] });
  return new AccessControl({
    catalog,
    verifiers: [{
      recognizes: (token) => token.startsWith("t-"),
      vouchesFor: () => true,
      verify: (token) => claims(token.slice(2)),
    }],
    book: {
      expiresMsOf: ({ expiresMs }) => expiresMs,
      version: 0,
      grantOf: ({ subject }) =>
        subject === "reader" ? reader : subject === "insider" ? insider : none,
      onChange: () => {},
    },
  });
}

/** What the script knows of the channels. */
export interface ScriptNames {
  readonly visible: readonly string[];
  readonly hidden: readonly string[];
}

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
  { visible, hidden }: ScriptNames,
  now: { readonly row: number; readonly strideNs: bigint },
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
  const expression = () =>
    random.of([
      ".*",
      "H1:.*",
      "H1:QANA.-.*",
      `H1:${HIDDEN_LETTER}.*`,
      ".*X.*",
      ".*_16|.*_64",
      "(",
      "",
    ]);
  const idOf = (row: number) => String(BigInt(row) * now.strideNs);
  const gpsOf = (row: number) => String(row / 16);
  const from = now.row - random.below(60);
  const encoded = encodeURIComponent;
  const query = (parts: Record<string, string>) =>
    Object.entries(parts).map(([k, v]) => `${k}=${encoded(v)}`).join("&");
  const stream = random.of(["/v1/events", "/v1/arrow"]);
  switch (random.below(14)) {
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
            publisher: random.of(["QANAT", "GWOSC", "NONE"]),
            type: random.of(["int16", "int64", "float64"]),
          })
        }`,
      };
    case 5:
      return { path: `${stream}?${query({ match: expression() })}` };
    case 6:
      return {
        path: `${stream}?${
          query({ channels: names(), start: gpsOf(from), duration: "0.5" })
        }`,
      };
    case 7:
      return {
        path: `${stream}?${query({ channels: names(), after: idOf(from) })}`,
      };
    case 8:
      return {
        path: `/v1/events?${
          query({
            channels: names(),
            trend: "1s",
            start: gpsOf(from),
            duration: "2",
          })
        }`,
      };
    case 9:
      return {
        path: `${stream}?${
          query({ channels: names(), replay: random.of(["r1", "r2"]) })
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
        path: random.of([
          "/healthz",
          "/readyz",
          "/openapi.json",
          "/qanat.js",
          "/v1/nothing",
          "/v1/channels?odd=1",
          "/v1/events",
        ]),
        method: random.of(["GET", "HEAD", "POST", "DELETE"]),
      };
    case 12:
      return {
        path: `${stream}?${query({ channels: names() })}`,
        method: "HEAD",
      };
    default:
      return { path: `${stream}?${query({ channels: names() })}` };
  }
}

/** A channel in another context, or with another property, as a publisher may claim it. */
export function changed(
  channel: Channel,
  changes: Partial<Channel>,
): Channel {
  return { ...channel, ...changes };
}
