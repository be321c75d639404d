import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import { SerialOutput } from "../../src/supervisor/serial_output.ts";

const bytesOf = (text: string) => new TextEncoder().encode(text);

/** Takes at most `most` bytes per write, and none while `error` is set. */
class Pipe {
  text = "";
  error: Error | null = null;
  most = 4;

  readonly write = (bytes: Uint8Array) => {
    if (this.error) return Promise.reject(this.error);
    const taken = bytes.subarray(0, this.most);
    this.text += new TextDecoder().decode(taken);
    return Promise.resolve(taken.byteLength);
  };
}

describe("SerialOutput", () => {
  it("does not mix the lines of two writers, even if each write takes a few bytes", async () => {
    const pipe = new Pipe();
    const output = new SerialOutput(pipe.write);
    const written = await Promise.all([
      output.write(bytesOf("first line\n")),
      output.write(bytesOf("second line\n")),
    ]);
    assert.deepEqual(written, [11, 12]);
    assert.equal(pipe.text, "first line\nsecond line\n");
  });

  it("rejects only the piece that failed, and tries the next one", async () => {
    const pipe = new Pipe();
    const output = new SerialOutput(pipe.write);
    pipe.error = new Error("No space left on device");
    await assert.rejects(output.write(bytesOf("lost\n")), /No space left/);
    await output.settled();
    pipe.error = null;
    await output.write(bytesOf("kept\n"));
    assert.equal(pipe.text, "kept\n");
  });

  it("starts a new line after a failure in the middle of a line", async () => {
    const pipe = new Pipe();
    const output = new SerialOutput((bytes) => {
      const written = pipe.write(bytes);
      pipe.error = new Error("No space left on device");
      return written;
    });
    await assert.rejects(output.write(bytesOf("cut off\n")));
    await assert.rejects(output.write(bytesOf("full still\n")));
    pipe.error = null;
    pipe.most = 100;
    // The newline takes the one write that the disk has room for.
    await assert.rejects(output.write(bytesOf("full again\n")));
    pipe.error = null;
    await output.write(bytesOf("whole\n"));
    assert.equal(pipe.text, "cut \nwhole\n");
  });
});
