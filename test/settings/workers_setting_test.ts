// The number of workers on machines of all kinds.
import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import { SettingError } from "../../src/settings/setting.ts";
import { type Machine, workers } from "../../src/settings/workers_setting.ts";

const LINUX: Machine = { cores: 8, os: "linux", arch: "x86_64" };

function read(text: string, machine: Partial<Machine> = {}): number {
  return workers("", () => ({ ...LINUX, ...machine })).read(text);
}

function refusal(text: string, machine: Partial<Machine> = {}): string {
  try {
    return `accepted: ${read(text, machine)}`;
  } catch (error) {
    assert.ok(error instanceof SettingError);
    return error.message;
  }
}

describe("--workers", () => {
  it("is 1 unless it is set", () => {
    assert.equal(workers("").preset, "1");
  });

  it("auto leaves one core free, and is at least 1", () => {
    assert.equal(read("auto"), 7);
    assert.equal(read("auto", { cores: 2 }), 1);
    assert.equal(read("auto", { cores: 1 }), 1);
    assert.equal(read("auto", { cores: 200 }), 64);
  });

  it("auto is 1 on ARM, where reads of the shared ring have not been tested, and where a port is not shared", () => {
    assert.equal(read("auto", { arch: "aarch64" }), 1);
    assert.equal(read("auto", { os: "darwin" }), 1);
    assert.equal(read("auto", { os: "windows" }), 1);
  });

  it("takes a number by name on any Linux", () => {
    assert.equal(read("1"), 1);
    assert.equal(read("64"), 64);
    assert.equal(read("4", { arch: "aarch64" }), 4);
  });

  it("refuses more than one where a port is not shared evenly, and says so", () => {
    assert.equal(read("1", { os: "darwin" }), 1);
    assert.match(refusal("2", { os: "darwin" }), /^1 on darwin: only Linux /);
  });

  it("refuses anything else", () => {
    for (const text of ["0", "65", "-1", "1.5", ""]) {
      assert.match(refusal(text), /^a whole number from 1 to 64/, text);
    }
    assert.match(refusal("many"), /or auto$/);
  });
});
