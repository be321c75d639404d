// An instance with the embedded source, its application, and the requests of clients and operators by app.fetch.
import { Qanat } from "../../src/app.ts";
import { nowGpsNs } from "../../src/blocks/gps_time.ts";
import { Catalog } from "../../src/channels/catalog.ts";
import type { Config } from "../../src/config.ts";
import { honoApp } from "../../src/http/routes/hono_app.ts";
import {
  operatorApp,
  operatorHostRule,
} from "../../src/http/routes/operator_app.ts";
import type { UsageLog } from "../../src/telemetry/usage_log.ts";
import { EmbeddedSource } from "../../src/source/embedded_source.ts";
import {
  type TestOwner,
  type TokenAccess,
  tokenAccess,
} from "../auth/token_access.ts";
import { configWith, silent } from "../driven_source.ts";

export const A = "H1:QANAT-COUNT_I64_16";
export const STREAM = `/v1/events?channels=${A}`;

export type LogEntry = readonly [
  event: string,
  fields: Record<string, unknown>,
];

export interface WorldOptions {
  readonly config?: Partial<Config>;
  /** Owners of tokens: `t-alice` is the token of alice. @default no authentication */
  readonly owners?: Record<string, TestOwner>;
  readonly usageLog?: UsageLog;
}

export class OperatorsWorld implements AsyncDisposable {
  readonly qanat: Qanat;
  readonly tokens: TokenAccess | null;
  readonly log: LogEntry[];
  /** Of all clients. */
  address = "192.0.2.1";
  readonly #app: ReturnType<typeof honoApp>;

  private constructor(
    qanat: Qanat,
    tokens: TokenAccess | null,
    log: LogEntry[],
  ) {
    this.qanat = qanat;
    this.tokens = tokens;
    this.log = log;
    this.#app = honoApp(qanat, {
      addressOf: () => this.address,
      alreadySent: null,
    });
  }

  static async start(
    { config = {}, owners, usageLog }: WorldOptions = {},
  ): Promise<OperatorsWorld> {
    const catalog = new Catalog();
    const tokens = owners === undefined
      ? null
      : await tokenAccess(catalog, owners);
    const log: LogEntry[] = [];
    const keep = (event: string, fields = {}) => void log.push([event, fields]);
    const qanat = new Qanat({
      config: configWith(config),
      source: new EmbeddedSource({ catalog, nowGpsNs: () => nowGpsNs() }),
      ...(tokens === null ? {} : { access: tokens.access }),
      ...(usageLog === undefined ? {} : { usageLog }),
      log: { ...silent, info: keep, warn: keep, error: keep },
    });
    await qanat.start();
    return new OperatorsWorld(qanat, tokens, log);
  }

  /** A request on the port for clients. `as`: whose token it has. */
  ask(
    path: string,
    { as, ...init }: RequestInit & { as?: string } = {},
  ): Promise<Response> {
    return Promise.resolve(this.#app.fetch(requestOf(path, as, init)));
  }

  /** A request on the port for operators, which listens on `host`. */
  askOperators(
    path: string,
    { as, host = "127.0.0.1", ...init }: RequestInit & {
      as?: string;
      host?: string;
    } = {},
  ): Promise<Response> {
    const app = operatorApp(this.qanat, {
      addressOf: () => "",
      hostRule: operatorHostRule({
        ...this.qanat.config,
        operatorHost: host,
      }),
      newRequestId: () => "of-operators",
    });
    return Promise.resolve(app.fetch(requestOf(path, as, init)));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.qanat.drain();
    await this.qanat.close();
  }
}

function requestOf(
  path: string,
  as: string | undefined,
  init: RequestInit,
): Request {
  const headers = new Headers(init.headers);
  if (as !== undefined) headers.set("authorization", `Bearer t-${as}`);
  return new Request(`http://localhost${path}`, { ...init, headers });
}
