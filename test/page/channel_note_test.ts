import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import { aboutText, axisTitle, unitText } from "../../src/page/channel_note.js";

const NOTED = {
  unit: "m/s²",
  description: "Seismometer",
  range: [-1.5, 2e-7] as const,
};

describe("notes of a channel on the page", () => {
  it("are its unit, description and usual range", () => {
    assert.equal(unitText(NOTED), " m/s²");
    assert.equal(
      aboutText(NOTED),
      "Seismometer; usually -1.5 … 2.0000e-7 m/s²",
    );
    assert.equal(axisTitle(NOTED, ""), "m/s²");
    assert.equal(axisTitle(NOTED, "1,000"), "m/s², from 1,000");
  });

  it("are empty where nothing is noted, as from a server of an older version", () => {
    for (
      const channel of [{}, { unit: null, description: null, range: null }]
    ) {
      assert.equal(unitText(channel), "");
      assert.equal(aboutText(channel), "");
      assert.equal(axisTitle(channel, ""), "");
      assert.equal(axisTitle(channel, "1,000"), "from 1,000");
    }
  });
});
