import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import { gpsNsOfText } from "../../src/blocks/gps_time.ts";
import { utcTextOf } from "../../src/blocks/utc_text.ts";
import { Random } from "../random.ts";

const secondOf = (text: string) => Number(gpsNsOfText(text)! / 1_000_000_000n);

describe("UTC as text", () => {
  it("begins with the GPS epoch, and has known times", () => {
    assert.equal(utcTextOf(0), "1980-01-06T00:00:00");
    assert.equal(utcTextOf(1_126_259_462), "2015-09-14T09:50:45");
    assert.equal(utcTextOf(9_999_999_999), "2296-11-24T17:46:21");
  });

  it("has each leap second once, as second 60", () => {
    const texts = Array.from(
      { length: 4 },
      (_, i) => utcTextOf(secondOf("2016-12-31T23:59:59Z") + i),
    );
    assert.deepEqual(texts, [
      "2016-12-31T23:59:59",
      "2016-12-31T23:59:60",
      "2017-01-01T00:00:00",
      "2017-01-01T00:00:01",
    ]);
    assert.equal(
      utcTextOf(secondOf("2015-06-30T23:59:60Z")),
      "2015-06-30T23:59:60",
    );
  });

  it("reads back to the same second, of random times and around each leap second", () => {
    const random = new Random(20_261_127);
    const seconds = Array.from(
      { length: 2000 },
      () => random.below(1e10),
    );
    for (let year = 1981; year < 2020; year++) {
      for (const day of ["06-30", "12-31"]) {
        const last = secondOf(`${year}-${day}T23:59:59Z`);
        for (let i = -1; i < 4; i++) seconds.push(last + i);
      }
    }
    for (const second of seconds) {
      assert.equal(secondOf(`${utcTextOf(second)}Z`), second);
    }
  });
});
