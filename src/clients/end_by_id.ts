// Ends the stream that an operator names by its id, and logs who has ended whose stream.
import type { SlicedWork } from "../channels/sliced_work.ts";
import type { Logger } from "../telemetry/log.ts";
import { clientOf } from "./client_search.ts";
import type { ClientLifecycle } from "./lifecycle.ts";

export interface EndByIdOptions {
  readonly lifecycle: ClientLifecycle;
  readonly log: Logger;
  readonly id: string;
  /** Fields of the log line: who ends it. */
  readonly by: Readonly<Record<string, unknown>>;
}

/** Whether there was such a stream. In slices. */
export function* endById(
  { lifecycle, log, id, by }: EndByIdOptions,
): SlicedWork<boolean> {
  yield 1;
  const client = yield* clientOf(lifecycle.clients(), id);
  if (client === null || client.ended !== null) return false;
  const { address, rights, trace } = client.options;
  log.info("client-closed-by-operator", {
    ...by,
    client: client.id,
    client_address: address,
    client_owner: rights?.owner ?? null,
    client_request_id: trace?.requestId ?? null,
  });
  lifecycle.end(client, "closed-by-operator");
  return true;
}
