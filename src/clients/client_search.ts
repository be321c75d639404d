// Finds open clients for operators: one by its id, in slices, as there may be a million of them; or those of a list.
import type { SlicedWork } from "../channels/sliced_work.ts";
import type { ClientOptions } from "./client_options.ts";
import type { EndReason } from "./end_reason.ts";

/** Which clients a page of the list has. */
export interface ClientsQuery {
  readonly limit: number;
  /** Only clients that opened after the one with this number; 0: from the first one on. */
  readonly after: number;
  readonly owner: string | undefined;
  readonly address: string | undefined;
}

/** Clients that are compared in one part of the work, and the steps of a part. */
const PART = 1000;
const PART_STEPS = 200;

/** Whether an open client belongs into a list, whatever its limit. */
export function isListed(
  { number, ended, options: { address, rights } }: {
    readonly number: number;
    readonly ended: EndReason | null;
    readonly options: Pick<ClientOptions, "address" | "rights">;
  },
  query: ClientsQuery,
): boolean {
  return number > query.after && ended === null &&
    (query.owner === undefined || rights?.owner === query.owner) &&
    (query.address === undefined || address === query.address);
}

/** The client with this id; null where none has it. */
export function* clientOf<Client extends { hasId(id: string): boolean }>(
  clients: Iterable<Client>,
  id: string,
): SlicedWork<Client | null> {
  yield PART_STEPS;
  let seen = 0;
  for (const client of clients) {
    if (client.hasId(id)) return client;
    if (++seen % PART === 0) yield PART_STEPS;
  }
  return null;
}
