import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import { WatchedFiles } from "../../src/files/watched_files.ts";
import { Folder } from "../auth/auth_world.ts";

/** More checks than any change needs to show. */
const MANY = 25;

/** Watches files whose content is wrong when it contains `bad`, and notes what becomes of them. */
async function watching(...paths: string[]) {
  const events: string[] = [];
  let parsed = 0;
  const files = new WatchedFiles<string>({
    files: paths.map((path, i) => ({
      setting: i === 0 ? "--a-file" : `--a-file-${i}`,
      path,
      bytesMax: 100,
    })),
    parse: (...texts) => {
      parsed++;
      const all = texts.join("+");
      if (all.includes("bad")) throw new Error("it is bad");
      return all;
    },
    listener: {
      changed: (value) => events.push(value),
      invalid: (reason) => events.push(`invalid: ${reason}`),
      valid: () => events.push("valid"),
    },
  });
  events.push(await files.load());
  return {
    files,
    events,
    parsedCount: () => parsed,
    poll: async (times: number) => {
      for (let i = 0; i < times; i++) await files.poll();
    },
  };
}

describe("watched files", () => {
  it("give a new value at the first check after a change, by rewriting or by renaming", async () => {
    using folder = new Folder();
    const path = folder.write("a", "1");
    const { events, poll } = await watching(path);
    await poll(MANY);
    assert.deepEqual(events.splice(0), ["1"]);
    folder.write("a", "2");
    await poll(1);
    assert.deepEqual(events.splice(0), ["2"]);
    Deno.renameSync(folder.write("b", "3"), path);
    await poll(1);
    assert.deepEqual(events.splice(0), ["3"]);
    await poll(MANY);
    assert.deepEqual(events, []);
  });

  it("follow a link that is swapped as Kubernetes does", async () => {
    using folder = new Folder();
    for (const version of ["1", "2"]) {
      Deno.mkdirSync(folder.at(`..v${version}`));
      folder.write(`..v${version}/tokens`, version);
    }
    Deno.symlinkSync("..v1", folder.at("..data"));
    Deno.symlinkSync("..data/tokens", folder.at("tokens"));
    const { events, poll } = await watching(folder.at("tokens"));
    Deno.symlinkSync("..v2", folder.at("..data_tmp"));
    Deno.renameSync(folder.at("..data_tmp"), folder.at("..data"));
    Deno.removeSync(folder.at("..v1"), { recursive: true });
    await poll(1);
    assert.deepEqual(events, ["1", "2"]);
  });

  it("show a change that neither size nor time of the file shows", async () => {
    using folder = new Folder();
    const path = folder.write("a", "1");
    const { files, events, poll } = await watching(path);
    await poll(MANY);
    // As a file system whose times are coarse, or that has them in a cache.
    const { stat } = Deno;
    const old = await stat(path);
    Deno.stat = () => Promise.resolve(old);
    try {
      folder.write("a", "2");
      await poll(MANY);
    } finally {
      Deno.stat = stat;
    }
    assert.deepEqual(events, ["1", "2"]);
    assert.equal(files.isValid, true);
  });

  it("keep the old value while the new content is wrong, and report it once", async () => {
    using folder = new Folder();
    const { files, events, parsedCount, poll } = await watching(
      folder.write("a", "1"),
    );
    folder.write("a", "bad");
    await poll(MANY);
    assert.deepEqual(events.splice(0), ["1", "invalid: it is bad"]);
    assert.equal(files.isValid, false);
    assert.equal(parsedCount(), 2);
    folder.write("a", "2");
    await poll(1);
    assert.deepEqual(events.splice(0), ["2", "valid"]);
    folder.write("a", "bad");
    await poll(MANY);
    folder.write("a", "2");
    await poll(1);
    assert.deepEqual(events, ["invalid: it is bad", "valid"]);
    assert.equal(files.isValid, true);
  });

  it("report nothing of a file that is half written, or away, for one check", async () => {
    using folder = new Folder();
    const path = folder.write("a", "1");
    const { events, poll } = await watching(path);
    folder.write("a", "bad");
    await poll(1);
    folder.write("a", "2");
    await poll(1);
    Deno.removeSync(path);
    await poll(1);
    folder.write("a", "3");
    await poll(MANY);
    assert.deepEqual(events, ["1", "2", "3"]);
  });

  it("are wrong when they do not exist, are too large, or are no files", async () => {
    using folder = new Folder();
    const path = folder.write("a", "1");
    const { events, poll } = await watching(path);
    const of = "invalid: the file of --a-file";
    Deno.removeSync(path);
    await poll(MANY);
    assert.deepEqual(events.splice(1), [
      `${of} cannot be read: there is no such file`,
    ]);
    Deno.mkdirSync(path);
    await poll(MANY);
    assert.deepEqual(events.splice(1), [
      `${of} cannot be read: it is not a regular file`,
    ]);
    Deno.removeSync(path);
    folder.write("a", "x".repeat(101));
    await poll(MANY);
    assert.deepEqual(events.splice(1), [
      `${of} is larger than 100 bytes, which is the most that is read`,
    ]);
    Deno.writeFileSync(path, new Uint8Array([0xff, 0xfe]));
    await poll(MANY);
    assert.deepEqual(events.splice(1), [`${of} is not UTF-8 text`]);
    folder.write("a", "1");
    await poll(MANY);
    assert.deepEqual(events, ["1", "valid"]);
  });

  it("are one value together: a certificate and its key", async () => {
    using folder = new Folder();
    const paths = [folder.write("cert", "c1"), folder.write("key", "k1")];
    const { events, poll } = await watching(...paths);
    folder.write("key", "k2");
    await poll(1);
    assert.deepEqual(events, ["c1+k1", "c1+k2"]);
  });

  it("give one reason, that of the first file, while several are away", async () => {
    using folder = new Folder();
    const paths = ["a", "b", "c", "d"].map((name) => folder.write(name, "1"));
    const { events, poll } = await watching(...paths);
    for (const path of paths) Deno.removeSync(path);
    // The order in which the reads end is not the order of the files.
    const { stat } = Deno;
    let turn = 0;
    Deno.stat = async (path) => {
      if (turn++ % 3 === 0) await new Promise((resolve) => setTimeout(resolve));
      return stat(path);
    };
    try {
      await poll(MANY);
    } finally {
      Deno.stat = stat;
    }
    assert.equal(events.length, 2, events.join());
  });

  it("are invalid while their file system does not answer for 10 s", async () => {
    using folder = new Folder();
    const { events, files, poll } = await watching(folder.write("a", "1"));
    const { stat } = Deno;
    const held = Promise.withResolvers<Deno.FileInfo>();
    Deno.stat = () => held.promise;
    const hung = poll(1);
    await poll(39);
    assert.equal(files.isValid, true);
    await poll(1);
    Deno.stat = stat;
    assert.deepEqual(events, [
      "1",
      "invalid: the file system has not answered for 10 s",
    ]);
    held.reject(new Error("away"));
    await hung;
    await poll(1);
    assert.equal(events.at(-1), "valid");
  });

  it("report nothing after close()", async () => {
    using folder = new Folder();
    const { files, events, poll } = await watching(folder.write("a", "1"));
    folder.write("a", "2");
    const last = poll(1);
    files.close();
    await last;
    assert.deepEqual(events, ["1"]);
  });
});
