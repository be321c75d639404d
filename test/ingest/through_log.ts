// An instance whose source is read by an `Ingest`, as if in another thread: everything between them is cloned.
import { Catalog } from "../../src/channels/catalog.ts";
import { Ingest } from "../../src/ingest/ingest.ts";
import { LogSource } from "../../src/ingest/log_source.ts";
import type {
  Port,
  ReadingMessage,
  ServingMessage,
} from "../../src/ingest/messages.ts";
import {
  type SharedRingReader,
  SharedRingWriter,
} from "../../src/memory/shared_ring.ts";
import type { Source } from "../../src/source/source.ts";

/** Two ends; a message arrives in a later turn. SharedArrayBuffers are shared, as between threads. */
export function portPair<A, B>(): [Port<A, B>, Port<B, A>] {
  const one: Port<A, B> = { send: () => {}, onMessage: null };
  const two: Port<B, A> = { send: () => {}, onMessage: null };
  one.send = (message, transfer = []) => {
    const clone = structuredClone(message, { transfer });
    setTimeout(() => two.onMessage?.(clone), 0);
  };
  two.send = (message, transfer = []) => {
    const clone = structuredClone(message, { transfer });
    setTimeout(() => one.onMessage?.(clone), 0);
  };
  return [one, two];
}

/** The source of one serving thread. */
export async function joined(
  ingest: Ingest,
  now: () => { gpsMs: number; unixMs: number },
  clockMs?: () => number,
): Promise<{ ring: SharedRingReader; source: LogSource; leave: () => void }> {
  const [here, there] = portPair<ServingMessage, ReadingMessage>();
  const { endLeases } = ingest.serve(there);
  const source = new LogSource({
    port: here,
    catalog: new Catalog(),
    now,
    ...clockMs === undefined ? {} : { clockMs },
  });
  const ring = await source.join();
  return { ring, source, leave: endLeases };
}

/** An ingest over a source, with a ring of so many bytes. */
export async function ingestOf(
  source: Source,
  { ringBytes = 4 * 1024 * 1024, pageBytes, ...clock }: {
    ringBytes?: number;
    pageBytes?: number;
    clockMs?: () => number;
  } = {},
): Promise<Ingest> {
  const ring = new SharedRingWriter(
    ringBytes,
    pageBytes === undefined ? {} : { pageBytes },
  );
  const ingest = new Ingest({ source, ring, ...clock });
  await ingest.start();
  return ingest;
}
