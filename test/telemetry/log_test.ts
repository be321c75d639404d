import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import { jsonLogger } from "../../src/telemetry/log.ts";
import { LogWriter } from "../../src/telemetry/log_writer.ts";

const decoder = new TextDecoder();

/** A writer whose turns and writes happen when the test says so. */
class Trial {
  readonly writes: { text: string; done: (bytes?: number) => void }[] = [];
  readonly later: (() => void)[] = [];
  readonly writer: LogWriter;

  constructor(bufferBytes = 1024, options: { isBroken?: boolean } = {}) {
    this.writer = new LogWriter({
      bufferBytes,
      later: (call) => this.later.push(call),
      lostLine: (lines) => `lost ${lines}`,
      write: (bytes) => {
        if (options.isBroken) return Promise.reject(new Error("EPIPE"));
        const text = decoder.decode(bytes);
        const { promise, resolve } = Promise.withResolvers<number>();
        this.writes.push({
          text,
          done: (n = bytes.byteLength) => resolve(n),
        });
        return promise;
      },
    });
  }

  /** One turn of the event loop. */
  turn(): void {
    for (const call of this.later.splice(0)) call();
  }

  /** Lets promises settle. */
  async settle(): Promise<void> {
    for (let i = 0; i < 10; i++) await Promise.resolve();
  }
}

describe("LogWriter", () => {
  it("writes all lines of a turn at once, in order", () => {
    const trial = new Trial();
    for (let i = 0; i < 5; i++) trial.writer.line(`line ${i}`);
    assert.equal(trial.writes.length, 0);
    assert.equal(trial.later.length, 1);
    trial.turn();
    assert.deepEqual(
      trial.writes.map((w) => w.text),
      ["line 0\nline 1\nline 2\nline 3\nline 4\n"],
    );
  });

  it("gathers lines during a write, and continues after a partial write", async () => {
    const trial = new Trial();
    trial.writer.line("first");
    trial.turn();
    trial.writer.line("second");
    assert.equal(trial.later.length, 0);
    trial.writes[0]!.done(3);
    await trial.settle();
    trial.writes[1]!.done();
    await trial.settle();
    trial.turn();
    trial.writes[2]!.done();
    assert.deepEqual(
      trial.writes.map((w) => w.text),
      ["first\n", "st\n", "second\n"],
    );
  });

  it("drops lines that find no room, and reports their number in their place", async () => {
    const trial = new Trial(512);
    const long = "x".repeat(99);
    for (let i = 0; i < 5; i++) trial.writer.line(long);
    assert.equal(trial.writer.lostLines, 3);
    trial.turn();
    trial.writer.line("after");
    trial.writes[0]!.done();
    await trial.settle();
    trial.turn();
    assert.deepEqual(
      trial.writes.map((w) => w.text),
      [`${long}\n${long}\nlost 3\n`, "after\n"],
    );
  });

  it("accepts a shorter line after a lost one only after the notice", async () => {
    const trial = new Trial(2048);
    trial.writer.line("x".repeat(5000));
    trial.writer.line("short");
    const flushed = trial.writer.flush();
    trial.writes[0]!.done();
    await flushed;
    assert.equal(trial.writes[0]!.text, "lost 1\nshort\n");
  });

  it("flush() resolves once all lines are written", async () => {
    const trial = new Trial();
    trial.writer.line("a");
    trial.turn();
    trial.writer.line("b");
    let isFlushed = false;
    const flushed = trial.writer.flush().then(() => isFlushed = true);
    trial.writes[0]!.done();
    await trial.settle();
    assert.equal(isFlushed, false);
    assert.equal(trial.writes[1]!.text, "b\n");
    trial.writes[1]!.done();
    await flushed;
    await trial.writer.flush();
  });

  it("counts lines whose write failed, and writes later ones", async () => {
    const trial = new Trial(1024, { isBroken: true });
    trial.writer.line("a");
    trial.writer.line("b");
    await trial.writer.flush();
    assert.equal(trial.writer.lostLines, 2);
    trial.writer.line("c");
    await trial.writer.flush();
    // Neither is a notice that could not be written a lost line, nor does flush() try without end.
    assert.equal(trial.writer.lostLines, 3);
  });

  it("reports lines lost to a full disk once it has room again", async () => {
    const options = { isBroken: true };
    const trial = new Trial(1024, options);
    for (const line of ["a", "b", "c"]) {
      trial.writer.line(line);
      await trial.writer.flush();
    }
    options.isBroken = false;
    trial.writer.line("d");
    trial.turn();
    assert.equal(trial.writes[0]!.text, "lost 3\nd\n");
    trial.writes[0]!.done();
    await trial.settle();
    assert.equal(trial.writer.lostLines, 3);
  });

  it("keeps lines whole and in order at every buffer size, and reports each lost one", async () => {
    for (let bufferBytes = 300; bufferBytes < 900; bufferBytes += 7) {
      const trial = new Trial(bufferBytes);
      for (let i = 0; i < 60; i++) {
        trial.writer.line(`${i}:${"é".repeat(i % 40)}`);
        if (i % 9 === 8) {
          trial.turn();
          for (const write of trial.writes) write.done();
          await trial.settle();
        }
      }
      const flushed = trial.writer.flush();
      for (let i = 0; i < 10; i++) {
        for (const write of trial.writes) write.done();
        await trial.settle();
      }
      await flushed;
      const lines = trial.writes.map((w) => w.text).join("").trimEnd();
      let next = 0;
      for (const line of lines.split("\n")) {
        const lost = /^lost (\d+)$/.exec(line);
        if (lost) next += Number(lost[1]);
        else assert.equal(line, `${next}:${"é".repeat(next++ % 40)}`);
      }
      assert.equal(next, 60, `buffer of ${bufferBytes}`);
    }
  });
});

describe("jsonLogger()", () => {
  it("writes one JSON object per line, from its level upwards", () => {
    const lines: string[] = [];
    const log = jsonLogger((line) => lines.push(line), "info");
    log.debug("not-this");
    log.info("opened", { channels: 2 });
    log.error("failed");
    const entries = lines.map((line) => JSON.parse(line));
    assert.deepEqual(
      entries.map(({ time: _time, ...rest }) => rest),
      [
        { level: "info", event: "opened", channels: 2 },
        { level: "error", event: "failed" },
      ],
    );
    assert.match(entries[0].time, /^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
  });

  it("writes a bigint as text", () => {
    const lines: string[] = [];
    jsonLogger((line) => lines.push(line), "info").info("at", { timeNs: 5n });
    assert.equal(JSON.parse(lines[0]!).timeNs, "5");
  });
});
