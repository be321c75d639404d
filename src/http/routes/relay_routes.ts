// The routes for relays: POST /v1/blocks, GET /v1/blocks/channels, POST /v1/blocks/history (docs/protocol.md).
// They exist where --relay-streams-max is above 0. With authentication they need the right `qanat.relay`, and a partition
// exists only for principals that may read each of its channels.
import { type Context, Hono } from "hono";
import { type Denial, denial } from "../../auth/denial.ts";
import { RELAY_SCOPE } from "../../auth/jwt/scope_grants.ts";
import type { Principal, StreamRights } from "../../auth/principal.ts";
import { shapesOf } from "../../blocks/topic_shape.ts";
import type { Catalog } from "../../channels/catalog.ts";
import type { BlockFeeds } from "../../relay/block_feeds.ts";
import type { Reader } from "../../relay/origin.ts";
import type { RelayStream } from "../../relay/relay_stream.ts";
import type { TopicView } from "../../relay/topic_index.ts";
import { relayTopics, type TopicText } from "../../relay/topic_request.ts";
import {
  BLOCKS_CONTENT_TYPE,
  BLOCKS_TYPE,
  versionAsked,
  WIRE_VERSIONS,
} from "../../relay/wire.ts";
import { holderOf } from "../../shares/share_holder.ts";
import type { PoolRefusal } from "../../shares/share_pool.ts";
import { documented } from "../documents/api_document.ts";
import {
  BLOCK_CHANNELS_DOCUMENT,
  BLOCK_HISTORY_DOCUMENT,
  BLOCKS_DOCUMENT,
} from "../documents/relay_documents.ts";
import { BadTextError } from "../limits/request_body.ts";
import type { RequestLimits } from "../limits/request_limits.ts";
import { problem, quoted, RETRY_LATER } from "../transport/problem.ts";

export interface RelayRoutesOptions {
  readonly feeds: BlockFeeds;
  readonly limits: RequestLimits;
  /** The channels that a request may find. */
  readonly catalogOf: (context: Context) => Catalog;
  readonly principalOf: (context: Context) => Principal;
  readonly rightsOf: (context: Context) => StreamRights | undefined;
  /** Counts a denial and answers with it. */
  readonly denied: (denial: Denial) => Response;
  readonly addressOf: (context: Context) => string;
  readonly unixMs: () => number;
}

const NO_RIGHT = denial(
  "insufficient_scope",
  `Blocks need the right of a relay: the scope ${RELAY_SCOPE} of a JWT without a policy, or "relay": true in an entry of ` +
    "the token file or the policy",
  RELAY_SCOPE,
);

/** The routes, behind those that find out who asks. */
export function relayRoutes(options: RelayRoutesOptions): Hono {
  const { feeds } = options;
  const app = new Hono();
  // The second path includes the first one.
  app.use("/v1/blocks/*", async (c, next) => {
    return refused(c, options) ?? await next();
  });
  app.get("/v1/blocks/channels", documented(BLOCK_CHANNELS_DOCUMENT), (c) => {
    if (c.req.method === "HEAD") return c.body(null, 200, HEADERS);
    return answered(feeds.openChannels(readerOf(c, options)), feeds);
  });
  app.post("/v1/blocks", documented(BLOCKS_DOCUMENT), async (c) => {
    const topics = await topicsOf(c, options);
    if (topics instanceof Response) return topics;
    const reader = readerOf(c, options);
    const asked = topics.map((topic) => ({
      ...topic,
      shape: shapeOf(reader.view, topic.topic),
    }));
    return answered(feeds.openBlocks(reader, asked), feeds);
  });
  app.post(
    "/v1/blocks/history",
    documented(BLOCK_HISTORY_DOCUMENT),
    async (c) => {
      const topics = await topicsOf(c, options);
      if (topics instanceof Response) return topics;
      if (topics.some(({ lastMs }) => lastMs !== null)) {
        return problem("misplaced_parameter", {
          detail:
            "A history needs 'since_ms' of each topic; 'last_ms' is for POST /v1/blocks",
          param: "last_ms",
        });
      }
      const reader = readerOf(c, options);
      for (const { topic } of topics) {
        if (shapeOf(reader.view, topic) !== null) continue;
        return problem("unknown_topic", {
          detail: `There is no topic ${quoted(topic)}`,
          param: "topics",
        });
      }
      const asked = topics.map(({ topic, sinceMs, isNew }) => ({
        topic,
        fromMs: sinceMs,
        isNew,
      }));
      return answered(feeds.openHistory(reader, asked), feeds);
    },
  );
  return app;
}

const HEADERS = {
  "content-type": BLOCKS_CONTENT_TYPE,
  "cache-control": "no-store",
  // nginx would collect the frames of a slow stream.
  "x-accel-buffering": "no",
};

/** Why a request gets no stream, before its body is read; null where it may have one. */
function refused(
  c: Context,
  { principalOf, denied }: RelayRoutesOptions,
): Response | null {
  if (!principalOf(c).grant.isRelay) return denied(NO_RIGHT);
  if (versionAsked(c.req.header("accept") ?? "") !== null) return null;
  return problem("version_not_available", {
    detail: `The blocks of this instance have the version ${
      WIRE_VERSIONS.join(", ")
    }; ask for ${BLOCKS_TYPE}; version=${WIRE_VERSIONS[0]}`,
    versions: WIRE_VERSIONS,
  });
}

async function topicsOf(
  c: Context,
  { feeds, limits }: RelayRoutesOptions,
): Promise<readonly TopicText[] | Response> {
  // Before a body of thousands of topics is read.
  const refusal = feeds.refusalNow();
  if (refusal !== null) return answered(refusal, feeds);
  const type = c.req.header("content-type") ?? "";
  if (!/^application\/json\b/i.test(type)) {
    return problem("unsupported_media_type", {
      detail: "The body must be application/json",
    });
  }
  try {
    const body = await limits.bodies.read(c.req.raw);
    try {
      const topics = relayTopics(body.text);
      return typeof topics === "string"
        ? problem("bad_body", { detail: topics })
        : topics;
    } finally {
      body[Symbol.dispose]();
    }
  } catch (error) {
    if (error instanceof BadTextError) {
      return problem("bad_body", { detail: error.message });
    }
    throw error;
  }
}

function readerOf(
  c: Context,
  { addressOf, catalogOf, feeds, principalOf, rightsOf, unixMs }:
    RelayRoutesOptions,
): Reader {
  const principal = principalOf(c);
  const holder = holderOf({ address: addressOf(c), rights: rightsOf(c) });
  return {
    holder,
    view: feeds.viewOf(catalogOf(c)),
    isOver: () =>
      principal.isRevoked || principal.isExpired(unixMs()) ||
      !principal.grant.isRelay,
  };
}

function shapeOf(view: TopicView, topic: string) {
  return shapesOf([...view.channelsOf(topic).values()])[0] ?? null;
}

function answered(
  opened: RelayStream | PoolRefusal,
  { pool }: BlockFeeds,
): Response {
  if (typeof opened !== "string") {
    return new Response(opened.body, { headers: HEADERS });
  }
  const isOwn = opened !== "full";
  return problem(isOwn ? "too_many_relay_streams" : "full", {
    detail: `The limit of ${pool.capacity} streams for relays ` +
      `(--relay-streams-max) is reached${
        isOwn ? " for your part of it; close a stream" : "; try again later"
      }`,
    limit: opened,
  }, RETRY_LATER);
}
