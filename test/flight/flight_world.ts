// An instance of the embedded source with a Flight port, for tests.
import { Qanat } from "../../src/app.ts";
import type { AccessControl } from "../../src/auth/access_control.ts";
import { nowGpsNs } from "../../src/blocks/gps_time.ts";
import { Catalog } from "../../src/channels/catalog.ts";
import type { Config } from "../../src/config.ts";
import { LocalSharePool } from "../../src/shares/local_share_pool.ts";
import type { ServerCertificate } from "../../src/net/server_certificate.ts";
import {
  type FlightServer,
  serveFlight,
} from "../../src/flight/flight_server.ts";
import { EmbeddedSource } from "../../src/source/embedded_source.ts";
import { configWith, silent } from "../driven_source.ts";

export interface FlightWorld {
  readonly qanat: Qanat;
  readonly server: FlightServer;
  readonly port: number;
  close(): Promise<void>;
}

/** Starts an instance; its Flight port is any free one. */
export async function startFlight(
  options: {
    readonly config?: Partial<Config>;
    readonly connectionsMax?: number;
    readonly nowMs?: () => number;
    readonly certificate?: Pick<ServerCertificate, "context" | "figures">;
    readonly access?: (catalog: Catalog) => AccessControl;
  } = {},
): Promise<FlightWorld> {
  const catalog = new Catalog();
  const qanat = new Qanat({
    config: configWith(options.config ?? {}),
    source: new EmbeddedSource({ catalog, nowGpsNs: () => nowGpsNs() }),
    log: silent,
    ...options.access ? { access: options.access(catalog) } : {},
  });
  await qanat.start();
  const server = await serveFlight(qanat, {
    host: "127.0.0.1",
    pool: new LocalSharePool({
      capacity: options.connectionsMax ?? 100,
      sharePercent: 100,
    }),
    backlog: 128,
    certificate: options.certificate ?? null,
    ...options.nowMs ? { nowMs: options.nowMs } : {},
  });
  return {
    qanat,
    server,
    port: server.port,
    close: async () => {
      qanat.drain();
      await server.close(500);
      await qanat.close();
    },
  };
}
