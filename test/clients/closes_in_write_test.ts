// An outlet may find in a write that its client has disconnected. The client then ends inside that write, and the part
// that wrote must not continue with it.
import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it } from "@std/testing/bdd";
import { Qanat } from "../../src/app.ts";
import type { ClientOptions } from "../../src/clients/client_options.ts";
import type { GroupClient } from "../../src/clients/selection_group.ts";
import type { StreamFormat } from "../../src/frames/stream_format.ts";
import type { Frame } from "../../src/frames/frame.ts";
import {
  BlockClock,
  configWith,
  DrivenSource,
  silent,
} from "../driven_source.ts";
import { HeldOutlet } from "./held_outlet.ts";
import { channels, FIRST, NAME, STRIDE_NS } from "./one_channel.ts";

/** Its client disconnects in the nth write. */
class ClosingOutlet extends HeldOutlet {
  readonly #closesIn: number;

  constructor(closesIn: number) {
    super();
    this.#closesIn = closesIn;
  }

  override write(frame: Frame): void {
    super.write(frame);
    this.#countWrite();
  }

  override writeBytes(bytes: Uint8Array): void {
    super.writeBytes(bytes);
    this.#countWrite();
  }

  #countWrite(): void {
    if (this.written.length === this.#closesIn) this.owner.onClose();
  }
}

let source: DrivenSource;
let clock: BlockClock;
let qanat: Qanat;

beforeEach(async () => {
  source = new DrivenSource(channels);
  clock = new BlockClock(FIRST);
  qanat = new Qanat({
    config: configWith({ retentionMb: 1, lingerMs: 0 }),
    source,
    log: silent,
    clocks: clock,
  });
  await qanat.start();
});
// Throws if a group is left.
afterEach(() => qanat.close());

function open(
  options: Partial<ClientOptions>,
  outlet: HeldOutlet,
  format: StreamFormat = "events",
): GroupClient {
  const admission = qanat.hub.admission.admit(
    [source.catalog.get(NAME, null)!],
    format,
    { address: "", ...options },
  );
  assert.ok(admission.kind === "ready");
  return admission.open(outlet);
}

function publish(): void {
  const [topic] = source.blocks.topics;
  const index = clock.index++;
  const block = source.blocks.blockOf(topic!, index);
  source.sink!.onMessage(topic!, block, index, 0);
  source.sink!.onCaughtUp(topic!, clock.clockMs());
}

async function assertNothingHeld(): Promise<void> {
  // A feed that was begun sees in the next turns that its client has ended.
  await new Promise((resolve) => setTimeout(resolve, 5));
  const { hub, slab } = qanat;
  const { histories, resumes, waiting } = hub.history;
  assert.deepEqual(
    {
      clients: hub.figures.clients,
      groups: hub.groups.size,
      idleBytes: hub.lifecycle.books.idleReserveBytes,
      reserved: slab.reservedBytes,
      slots: slab.usedSlots,
      histories,
      resumes,
      waiting,
    },
    {
      clients: 0,
      groups: 0,
      idleBytes: 0,
      reserved: 0,
      slots: 0,
      histories: 0,
      resumes: 0,
      waiting: 0,
    },
  );
}

describe("a client that disconnects inside a write", () => {
  it("ends in its opening", async () => {
    open({}, new ClosingOutlet(1));
    await assertNothingHeld();
  });

  it("ends in the report of an odd id, and no history is read for it", async () => {
    const [topic] = source.blocks.topics;
    // A topic without blocks: the client cannot begin at a row, and is fed from history at once.
    const first = open({}, new HeldOutlet());
    source.sink!.onCaughtUp(topic!, clock.clockMs());
    const inRow = 1n;
    const afterNs = BigInt(FIRST - 100) * STRIDE_NS + inRow;
    for (let i = 0; i < 5; i++) {
      const outlet = new ClosingOutlet(2);
      const client = open({ afterNs }, outlet);
      assert.ok(outlet.text.includes("stride-changed"), outlet.text);
      assert.equal(client.ended, "client-left");
    }
    first.onClose();
    await assertNothingHeld();
  });

  it("ends in a live row, and the others of its group get the row", async () => {
    const outlets = [2, 2, 99, 2, 99, 2].map((n) => new ClosingOutlet(n));
    const clients = outlets.map((outlet) => open({}, outlet));
    for (let i = 0; i < 3; i++) publish();
    assert.deepEqual(
      clients.map(({ ended }) => ended),
      outlets.map((_, i) => i === 2 || i === 4 ? null : "client-left"),
    );
    for (const i of [2, 4]) {
      assert.equal(outlets[i]!.text.split('"channels":{"').length, 3);
      clients[i]!.onClose();
    }
    await assertNothingHeld();
  });

  it("ends in a live row as the last one of its group", async () => {
    for (const format of ["events", "events-arrow", "arrow"] as const) {
      open({}, new ClosingOutlet(2), format);
    }
    publish();
    publish();
    await assertNothingHeld();
  });
});
