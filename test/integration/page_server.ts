// Qanat with its embedded source in this process, for suites of the page.
// Invariant: close() ends it in a moment, with all streams.
import { Qanat } from "../../src/app.ts";
import { nowGpsNs } from "../../src/blocks/gps_time.ts";
import { Catalog } from "../../src/channels/catalog.ts";
import { serve } from "../../src/http/server.ts";
import { EmbeddedSource } from "../../src/source/embedded_source.ts";
import { jsonLogger } from "../../src/telemetry/log.ts";
import { configWith } from "../driven_source.ts";

const CLOSE_MS = 500;

export interface PageServer {
  readonly url: string;
  close(): Promise<void>;
}

/**
 * `extraChannels`: more channels, H1:LOAD-NOISE_F32_00000 and so on; `extraRate`: their rate, Hz; `source`: one of the
 * test; `trendMatch`: names of channels whose trends are recorded.
 */
export async function servePage(
  { extraChannels = 0, extraRate, source, trendMatch = "" }: {
    readonly extraChannels?: number;
    readonly extraRate?: number;
    readonly source?: EmbeddedSource;
    readonly trendMatch?: string;
  } = {},
): Promise<PageServer> {
  const embedded = source ?? new EmbeddedSource({
    catalog: new Catalog(),
    nowGpsNs: () => nowGpsNs(),
    extraChannels,
    ...(extraRate === undefined ? {} : { extraRate }),
  });
  const qanat = new Qanat({
    config: configWith({
      port: 0,
      drainMs: CLOSE_MS,
      basePath: "",
      trendMatch,
    }),
    source: embedded,
    log: jsonLogger(() => {}, "error"),
  });
  await qanat.start();
  const server = await serve(qanat);
  return {
    url: `http://127.0.0.1:${server.port}`,
    close: async () => {
      qanat.drain();
      await server.close(CLOSE_MS);
      await qanat.close();
    },
  };
}
