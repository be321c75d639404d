// One block to 1,000 clients of one selection, without sockets: append, join, encode once, deliver.
// The alternative queues a copy for each client, as a ReadableStream requires.
import { setImmediate } from "node:timers";
import { Qanat } from "../src/app.ts";
import { NOBODY, type Outlet } from "../src/clients/outlet.ts";
import type { Frame } from "../src/frames/frame.ts";
import { embeddedChannels } from "../src/source/synthetic.ts";
import {
  BlockClock,
  configWith,
  DrivenSource,
  silent,
} from "../test/driven_source.ts";

const NAME = "H1:GWOSC-4KHZ_R1_WHITENED";
const CLIENTS = 1000;
const FIRST = 23_671_510_000;

/** Takes frames as a socket does whose writes finish at once. */
class NullOutlet implements Outlet {
  owner = NOBODY;
  readonly inFlight = 0;
  bytes = 0;

  write(frame: Frame): void {
    frame.retain();
    this.bytes += frame.chunk.byteLength;
    frame.release();
  }
  writeBytes(bytes: Uint8Array): void {
    this.bytes += bytes.byteLength;
  }
  end(): void {}
  cutShort(): void {}
  destroy(): void {}
}

class CopyingOutlet extends NullOutlet {
  readonly queue: (Uint8Array | undefined)[] = [undefined, undefined];
  #turn = 0;

  override write(frame: Frame): void {
    this.queue[this.#turn++ & 1] = frame.body.slice();
    this.bytes += frame.chunk.byteLength;
  }
}

const channels = (await embeddedChannels()).filter(({ channel }) =>
  channel.name === NAME
);

async function worldOf(newOutlet: () => NullOutlet) {
  const source = new DrivenSource(channels);
  const clock = new BlockClock(FIRST);
  const qanat = new Qanat({
    config: configWith({ retentionMb: 16, clientsMax: 2 * CLIENTS }),
    source,
    log: silent,
    clocks: clock,
  });
  await qanat.start();
  let row = FIRST;
  const outlets: NullOutlet[] = [];
  const publish = () => {
    const [topic] = source.blocks.topics;
    clock.index = row + 1;
    source.sink!.onMessage(topic!, source.blocks.blockOf(topic!, row), row, 0);
    source.sink!.onCaughtUp(topic!, clock.clockMs());
    row++;
  };
  for (let i = 0; i < CLIENTS; i++) {
    const admission = qanat.hub.admission.admit(
      [source.catalog.get(NAME, null)!],
      "arrow",
      { address: "" },
    );
    if (admission.kind !== "ready") throw new Error("A client was refused");
    const outlet = newOutlet();
    outlets.push(outlet);
    admission.open(outlet);
  }
  /** Publishes a row, and waits until the last client has it: rows are handed out in slices of the event loop. */
  const deliver = async () => {
    publish();
    do await new Promise((resolve) => setImmediate(resolve)); while (
      qanat.hub.liveQueue.size > 0
    );
  };
  const bytes = () => outlets.reduce((sum, outlet) => sum + outlet.bytes, 0);
  return { qanat, deliver, bytes };
}

const shared = await worldOf(() => new NullOutlet());
const copied = await worldOf(() => new CopyingOutlet());
// The first row is read before any client is served.
await shared.deliver();
await copied.deliver();

Deno.bench("shared frames", {
  group: "one row to 1,000 clients",
  baseline: true,
}, () => shared.deliver());

Deno.bench(
  "a copy each",
  { group: "one row to 1,000 clients" },
  () => copied.deliver(),
);

globalThis.addEventListener("unload", () => {
  for (const { qanat, bytes } of [shared, copied]) {
    if (bytes() === 0) throw new Error("nothing was handed out");
    qanat.drain();
    qanat.close();
  }
});
