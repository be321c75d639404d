// An instance for runtimes that run a fetch handler: made at the first request, since many of them allow no timer, no
// random number and no connection before. Invariant: all requests get the same instance, or the same refusal.
import { type App, createApp, type RequestOrigin } from "../../mod.ts";
import { CODECS } from "../frames/sample_pack.ts";
import { problem } from "../http/transport/problem.ts";
import { jsonLogger, type Logger } from "../telemetry/log.ts";
import { edgeSettings } from "./edge_settings.ts";
import { type RuntimeEnv, runtimeEnv } from "./runtime_env.ts";

export interface EdgeOptions {
  /** The variables, such as `QANAT_UPSTREAM`; what is no text is ignored. @default those of the process */
  readonly env?: Readonly<Record<string, unknown>> | undefined;
  /** Takes the lines of the log, without the character that ends a line. */
  readonly write: (line: string) => void;
}

/** One instance, and its log. */
export class Edge implements AsyncDisposable {
  readonly #options: EdgeOptions;
  #app: Promise<App> | null = null;

  constructor(options: EdgeOptions) {
    this.#options = options;
  }

  /** Answers a request. The first one starts the instance. */
  readonly fetch = async (
    request: Request,
    from?: RequestOrigin,
  ): Promise<Response> => {
    let app: App;
    try {
      app = await (this.#app ??= this.#start());
    } catch {
      return problem("not_started", {
        detail: "The settings of this instance are wrong; its log says how",
      });
    }
    return await app.fetch(request, from);
  };

  /** Ends all streams and frees everything. */
  async close(): Promise<void> {
    const app = await this.#app?.catch(() => null);
    await app?.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #start(): Promise<App> {
    const { write } = this.#options;
    const env = this.#env();
    const settings = edgeSettings(env.values);
    if (settings.kind === "error") {
      jsonLogger(write, "error").error("settings-wrong", {
        reason: settings.message,
      });
      throw new Error(settings.message);
    }
    const { config } = settings;
    const log = jsonLogger(write, config.logLevel);
    if (!env.isReadable) {
      log.info("variables-not-readable", {
        effect: "all settings have their defaults",
        remedy: "--allow-env=QANAT_*",
      });
    }
    try {
      const app = await createApp({ config, log });
      reportStart(log, config);
      return app;
    } catch (error) {
      log.error("start-failed", { reason: (error as Error).message });
      throw error;
    }
  }

  #env(): RuntimeEnv {
    const { env } = this.#options;
    if (env === undefined) return runtimeEnv();
    const texts = Object.entries(env).filter(
      (entry): entry is [string, string] => typeof entry[1] === "string",
    );
    return { values: Object.fromEntries(texts), isReadable: true };
  }
}

/** The log says what this runtime does without. */
function reportStart(
  log: Logger,
  { upstream, retentionMb, slabMb }: {
    readonly upstream: readonly string[];
    readonly retentionMb: number;
    readonly slabMb: number;
  },
): void {
  log.info("edge-started", {
    source: upstream.length > 0 ? "upstream" : "embedded",
    retentionMb,
    slabMb,
    leftOut: [
      "kafka",
      "flight",
      "workers",
      "gc-metrics",
      "memory-metrics",
      ...CODECS.includes("zstd") ? [] : ["zstd"],
    ],
  });
}
