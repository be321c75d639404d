import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import { type UsageFile, UsageLog } from "../../src/telemetry/usage_log.ts";
import { silent } from "../driven_source.ts";

/** A disk with files that can be moved away, become full, or take a few bytes at a time. */
class Disk {
  readonly files: string[] = [];
  /** Bytes that still fit. */
  room = Infinity;
  isAway = false;
  bytesAtOnce = Infinity;
  opened = 0;
  closed = 0;
  #current = -1;

  open(): Promise<UsageFile> {
    if (this.isAway) return Promise.reject(new Deno.errors.NotFound("/secret"));
    this.opened++;
    if (this.#current < 0) this.#current = this.files.push("") - 1;
    const index = this.#current;
    return Promise.resolve({
      write: (bytes) => {
        const count = Math.min(bytes.length, this.bytesAtOnce, this.room);
        if (count === 0) return Promise.reject(new Error("No space left"));
        this.room -= count;
        this.files[index] += new TextDecoder().decode(bytes.slice(0, count));
        return Promise.resolve(count);
      },
      close: () => void this.closed++,
    });
  }

  /** What a program does that rotates logs. */
  moveAway(): void {
    this.#current = -1;
  }

  lines(index = 0): string[] {
    return this.files[index]!.split("\n").filter((line) => line !== "");
  }
}

interface Timer {
  readonly call: () => void;
  isCancelled: boolean;
}

function worldOf(charsMax?: number) {
  const disk = new Disk();
  const timers: Timer[] = [];
  const logged: string[] = [];
  const keep = (event: string, fields?: Record<string, unknown>) =>
    void logged.push(`${event} ${JSON.stringify(fields)}`);
  const usage = new UsageLog({
    open: () => disk.open(),
    log: { ...silent, info: keep, error: keep },
    unixMs: () => 0,
    ...(charsMax === undefined ? {} : { charsMax }),
    later: (call) => {
      const timer = { call, isCancelled: false };
      timers.push(timer);
      return () => timer.isCancelled = true;
    },
  });
  const retry = async () => {
    const timer = timers.pop();
    assert.ok(timer && !timer.isCancelled, "nothing waits");
    timer.call();
    await settled();
  };
  return { disk, usage, logged, retry, timers };
}

async function settled(): Promise<void> {
  for (let i = 0; i < 100; i++) await Promise.resolve();
}

describe("the usage log", () => {
  it("has a line for each entry, with its time", async () => {
    const { disk, usage } = worldOf();
    await usage.start();
    usage.write({ a: 1 });
    usage.write({ a: "x\ny" });
    await settled();
    usage.write({ a: 3 });
    await usage.close();
    assert.deepEqual(disk.lines().map((line) => JSON.parse(line)), [
      { time: "1970-01-01T00:00:00.000Z", a: 1 },
      { time: "1970-01-01T00:00:00.000Z", a: "x\ny" },
      { time: "1970-01-01T00:00:00.000Z", a: 3 },
    ]);
    assert.deepEqual(usage.counters, { lines: 3, lost: 0, failures: 0 });
    assert.equal(disk.opened, disk.closed);
  });

  it("has printable lines, whatever an owner is called", async () => {
    const { usage, disk } = worldOf();
    await usage.start();
    const owner = "jwt:https://issuer.example a\u2028{}\u2029\u0085\u009b";
    usage.write({ owner });
    await usage.close();
    assert.match(disk.files[0]!, /^[\x20-\x7e]+\n$/);
    assert.equal(JSON.parse(disk.files[0]!).owner, owner);
  });

  it("writes to a new file after reopen(), and loses no line", async () => {
    const { disk, usage } = worldOf();
    await usage.start();
    for (let i = 0; i < 100; i++) {
      usage.write({ i });
      if (i === 30) {
        disk.moveAway();
        await settled();
      }
      if (i === 50) usage.reopen();
    }
    await settled();
    // The old file is released also where nothing is to be written.
    disk.moveAway();
    usage.reopen();
    await settled();
    assert.equal(disk.files.length, 3);
    await usage.close();
    const all = disk.files.flatMap((_, index) => disk.lines(index));
    assert.deepEqual(
      all.map((line) => JSON.parse(line).i),
      Array.from({ length: 100 }, (_, i) => i),
    );
    assert.equal(disk.opened, disk.closed);
  });

  it("writes a line that a full disk has cut off again, whole", async () => {
    const { disk, usage, logged, retry } = worldOf();
    await usage.start();
    disk.bytesAtOnce = 7;
    disk.room = 100;
    for (let i = 0; i < 10; i++) usage.write({ i });
    await settled();
    assert.equal(usage.isFailing, true);
    await retry();
    await retry();
    assert.equal(
      logged.filter((line) => line.startsWith("usage-log-failed")).length,
      1,
    );
    disk.room = Infinity;
    await retry();
    await usage.close();
    const valid: number[] = [];
    const torn: string[] = [];
    for (const line of disk.lines()) {
      if (line.endsWith("}")) valid.push(JSON.parse(line).i);
      else torn.push(line);
    }
    assert.deepEqual(valid, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    assert.equal(torn.length, 1);
    assert.deepEqual(usage.counters, { lines: 10, lost: 0, failures: 3 });
    assert.equal(usage.isFailing, false);
    assert.equal(logged.at(-1), 'usage-log-written-again {"lost":0}');
  });

  it("keeps a limited amount while the file cannot be written, and says how many lines were lost", async () => {
    const { disk, usage, retry } = worldOf(1000);
    await usage.start();
    disk.room = 0;
    for (let i = 0; i < 1000; i++) usage.write({ i });
    await settled();
    const kept = 1000 - usage.counters.lost;
    assert.ok(kept > 10 && kept < 30, `${kept}`);
    disk.room = Infinity;
    await retry();
    usage.write({ i: 1000 });
    await usage.close();
    const lines = disk.lines().map((line) => JSON.parse(line));
    assert.equal(lines.filter(({ i }) => i !== undefined).length, kept + 1);
    const [notice] = lines.filter(({ lost }) => lost !== undefined);
    assert.equal(notice.lost, 1000 - kept);
  });

  it("does not name the file in the log, where a user may have put a secret", async () => {
    const { disk, usage, logged } = worldOf();
    await usage.start();
    disk.isAway = true;
    usage.reopen();
    usage.write({ a: 1 });
    await settled();
    assert.equal(logged.length, 1);
    assert.match(logged[0]!, /"error":"NotFound"/);
    assert.doesNotMatch(logged[0]!, /secret/);
    await usage.close();
  });

  it("is opened at once by a signal, without waiting for the next attempt", async () => {
    const { disk, usage, timers } = worldOf();
    await usage.start();
    disk.isAway = true;
    usage.reopen();
    usage.write({ a: 1 });
    await settled();
    assert.equal(timers.length, 1);
    disk.isAway = false;
    usage.reopen();
    await settled();
    assert.equal(timers[0]!.isCancelled, true);
    assert.equal(disk.lines().length, 1);
    await usage.close();
  });

  it("closes when the disk stays full, and counts what is missing", async () => {
    const { disk, usage } = worldOf();
    await usage.start();
    disk.room = 0;
    usage.write({ a: 1 });
    await settled();
    await usage.close();
    usage.write({ a: 2 });
    assert.equal(usage.counters.lost, 1);
    assert.equal(disk.opened, disk.closed);
  });

  it("cannot start without its file", async () => {
    const { disk, usage } = worldOf();
    disk.isAway = true;
    await assert.rejects(usage.start(), Deno.errors.NotFound);
  });
});
