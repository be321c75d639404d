// Serves the routes for operators on a port of their own: it answers when the port for clients is full.
// Why a port: docs/decisions/0044.
import type { IncomingMessage } from "node:http";
import { newRequestId } from "../telemetry/request_trace.ts";
import { type HttpServer, startListener } from "./listener.ts";
import { operatorApp, operatorHostRule } from "./routes/operator_app.ts";
import type { HttpService } from "./service.ts";
import { trustedBy } from "../net/forwarded_address.ts";
import { requestAddress } from "./transport/request_address.ts";
import {
  OPERATOR_BACKLOG,
  OPERATOR_CONNECTIONS_MAX,
} from "../net/descriptor_budget.ts";

const incomingOf = ({ env }: { readonly env: unknown }) =>
  (env as { readonly incoming?: IncomingMessage }).incoming;

/** Listens on `--operator-port`. Rejects when it is not available. */
export async function serveOperators(
  service: HttpService,
  options: {
    /** As ServeOptions.reusePort. */
    readonly reusePort?: boolean;
    readonly newRequestId?: () => string;
  } = {},
): Promise<HttpServer> {
  const { operatorHost: host, operatorPort: port } = service.config;
  const hostRule = operatorHostRule(service.config);
  return await startListener(service, {
    host,
    port,
    app: operatorApp(service, {
      hostRule,
      // No proxy is in front of this port.
      addressOf: (c) => requestAddress(incomingOf(c), trustedBy([])),
      newRequestId: options.newRequestId ?? newRequestId,
    }),
    hostRule,
    connectionsMax: OPERATOR_CONNECTIONS_MAX,
    sharePercent: 100,
    pool: service.sharePools.pool("operator-connections", {
      capacity: OPERATOR_CONNECTIONS_MAX,
      sharePercent: 100,
    }),
    hasSettings: false,
    backlog: OPERATOR_BACKLOG,
    reusePort: options.reusePort,
    usesHandles: service.connections.socketWrites === "raw",
  });
}
