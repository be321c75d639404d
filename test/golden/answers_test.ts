// The bytes of every answer that is no stream: discovery, problems, status, metrics, documents.
import { describe, it } from "@std/testing/bdd";
import type { EmbeddedChannel } from "../../src/source/synthetic.ts";
import {
  A,
  B,
  embeddedOf,
  GoldenWorld,
  type WorldOptions,
} from "./golden_world.ts";

const EVENTS = `/v1/events?channels=${A}`;
const ARROW_TYPE = "application/vnd.apache.arrow.stream";
/** Rows of these two take some 200 KB. */
const WIDE = "H1:QANAT-NOISE_F32_16384";
const SLOW = "H1:SLOW-SINE_F32_16";
const NAMES = [
  A,
  B,
  "H1:QANAT-SINE_F32_16",
  "H1:QANAT-NOISE_F64_16",
  "H1:SLOW-SINE_F32_16",
  "L1:QANAT-STATE_U32_16",
];

describe("discovery, byte by byte", () => {
  it("lists, counts and describes channels, and names near ones", () =>
    GoldenWorld.play(
      "answers/discovery",
      { channels: embeddedOf(...NAMES) },
      async (world) => {
        await world.open("makes one live", EVENTS);
        await world.publish(2);
        for (
          const path of [
            "/v1/channels",
            "/v1/channels?limit=2",
            `/v1/channels?limit=2&after=${B}`,
            "/v1/channels?match=H1:SLOW",
            "/v1/channels?type=int64",
            "/v1/channels?min_rate=32&max_rate=64",
            "/v1/channels?publisher=L1QANAT",
            "/v1/channels?match=NOTHING",
            "/v1/channels/count",
            "/v1/channels/count?match=H1:.*_16$",
            `/v1/channels/${A}`,
            "/v1/channels/H1:SLOW-SINE_F32_16",
          ]
        ) await world.open("JSON", path);
        const headers = { accept: ARROW_TYPE };
        await world.open("Arrow", "/v1/channels", { headers });
        await world.open("Arrow", "/v1/channels?limit=2", { headers });
        for (
          const path of [
            "/v1/channels/H1:QANAT-COUNT_I64_17",
            "/v1/channels/nothing-like-it",
            `/v1/channels/${A}?replay=none`,
            "/v1/channels?match=(",
            "/v1/channels?mach=x",
            "/v1/channels?type=float16",
            "/v1/channels?min_rate=x",
            "/v1/channels?limit=0",
            "/v1/channels?limit=1&limit=2",
            "/v1/channels?replay=none",
            `/v1/channels/${"x".repeat(600)}`,
            `/v1/channels?match=${"x".repeat(5000)}`,
            "/nothing",
          ]
        ) await world.open("refused", path);
        await world.open("wrong method", "/v1/channels", { method: "PUT" });
        await world.open("HEAD", "/v1/channels", { method: "HEAD" });
        await world.open("preflight", "/v1/channels", {
          method: "OPTIONS",
          headers: {
            origin: "http://elsewhere.test",
            "access-control-request-method": "GET",
          },
        });
      },
    ));
});

describe("refusals of streams, byte by byte", () => {
  it("of what was asked for", () =>
    GoldenWorld.play("answers/bad_requests", {}, async (world) => {
      for (
        const query of [
          "",
          "?channels=",
          "?channels=X:Y,H1:QANAT-COUNT_I64_17",
          "?match=ZZZ",
          "?match=(",
          "?match=",
          `?channels=${A}&match=(`,
          `?channels=${A}&encoding=xml`,
          `?channels=${A}&coding=gzip`,
          `?channels=${A}&duration=-1`,
          `?channels=${A}&duration=x`,
          `?channels=${A}&gaps=no`,
          `?channels=${A}&slow=no`,
          `?channels=${A}&trend=2s`,
          `?channels=${A}&start=today`,
          `?channels=${A}&start=9999999999`,
          `?channels=${A}&end=5`,
          `?channels=${A}&start=5&end=4`,
          `?channels=${A}&start=5&end=9&duration=1`,
          `?channels=${A}&start=5&start=6`,
          `?channels=${A}&replay=r`,
          `?channels=${A}&what=1`,
          `?channels=${A}&after=${"1".repeat(256)}`,
        ]
      ) {
        await world.open("events", `/v1/events${query}`);
      }
      for (
        const query of [
          "encoding=json",
          "slow=trend",
          "coding=br",
          "coding=gzip",
        ]
      ) {
        await world.open("Arrow", `/v1/arrow?channels=${A}&${query}`, {
          headers: { accept: `${ARROW_TYPE};codecs=zstd` },
        });
      }
      await world.open("no coding", EVENTS, {
        headers: { "accept-encoding": "identity;q=0, br" },
      });
      for (
        const body of [
          "{",
          "[]",
          '{"channels":5}',
          '{"channels":[]}',
          '{"channels":["X:Y"],"channels":[]}',
          `{"channels":["${A}"],"after":5}`,
          `{"channels":["${A}"],"what":5}`,
        ]
      ) {
        const headers = { "content-type": "application/json" };
        await world.open("body", "/v1/events", {
          method: "POST",
          headers,
          body,
        });
      }
      await world.open("no JSON", "/v1/events", {
        method: "POST",
        headers: { "content-type": "text/plain" },
        body: "x",
      });
      await world.open("HEAD", EVENTS, { method: "HEAD" });
      await world.open("wrong method", EVENTS, { method: "DELETE" });
    }));

  const limits: readonly [string, WorldOptions["config"], string][] = [
    ["clients", { clientsMax: 1 }, EVENTS],
    ["address", { clientsPerAddressMax: 1 }, EVENTS],
    ["share", { clientsMax: 10, addressSharePercent: 20 }, EVENTS],
    ["histories", { historyReadersMax: 0 }, `${EVENTS}&start=1479469200`],
    ["channels", { channelsMax: 1 }, `${EVENTS},${B}`],
    ["memory", { slabMb: 1 }, `/v1/events?channels=${WIDE},${SLOW}`],
  ];
  it("by each limit", async () => {
    for (const [name, config, path] of limits) {
      await GoldenWorld.play(
        `answers/limit_of_${name}`,
        { config: config!, channels: embeddedOf(A, B, WIDE, SLOW) },
        async (world) => {
          for (let i = 0; i < 6; i++) await world.open("stream", path);
          await world.open("from elsewhere", path, { address: "198.51.100.7" });
          await world.figures("refus", "clients");
        },
      );
    }
  });

  it("of a row that is too large", () => {
    const [wide] = embeddedOf(A);
    const channel = { ...wide!.channel, sampleRate: 16 * 820_000 };
    const channels: EmbeddedChannel[] = [{ ...wide!, channel }];
    return GoldenWorld.play(
      "answers/row_too_large",
      { channels },
      async (world) => void await world.open("stream", EVENTS),
    );
  });
});

describe("service routes, byte by byte", () => {
  it("answer health, readiness, status and metrics", () =>
    GoldenWorld.play(
      "answers/service",
      { config: { trendMatch: ".*" } },
      async (world) => {
        await world.open("index", "/");
        await world.open("health", "/healthz");
        await world.open("ready", "/readyz");
        await world.open("events", EVENTS);
        await world.open("Arrow", `/v1/arrow?channels=${A},${B}`);
        await world.publish(20);
        await world.open("status", "/v1/status");
        await world.open("metrics", "/metrics");
        world.source.state = {
          reachable: false,
          lastContactClockMs: world.clock.clockMs() - 60_000,
          unreachable: ["broker:9092"],
        };
        await world.open("not ready", "/readyz");
        await world.open("status when away", "/v1/status");
      },
    ));

  it("with another base path, host and origin", () =>
    GoldenWorld.play(
      "answers/base_path",
      {
        config: {
          basePath: "/qanat",
          allowedHosts: ["qanat.test"],
          corsOrigin: ["http://page.test"],
        },
      },
      async (world) => {
        await world.open("below it", `/qanat${EVENTS}&duration=0.1`);
        await world.open("next to it", EVENTS);
        await world.open("a page that may read", "/qanat/healthz", {
          headers: { origin: "http://page.test" },
        });
        await world.open("a page that may not", "/qanat/healthz", {
          headers: { origin: "http://other.test" },
        });
        await world.open("another host", "/qanat/healthz", {
          headers: { host: "evil.test" },
        });
        await world.open("index", "/qanat/");
      },
    ));
});

describe("documents, byte by byte", () => {
  it("OpenAPI and AsyncAPI", async () => {
    for (const name of ["openapi", "asyncapi"]) {
      await GoldenWorld.play(
        `documents/${name}`,
        {},
        async (world) => void await world.open(name, `/${name}.json`),
      );
    }
  });
});
