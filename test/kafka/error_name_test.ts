// Errors of Kafka by name.
import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import { errorName } from "../../src/kafka/error_name.ts";

describe("errorName()", () => {
  it("returns Kafka's own name and the number", () => {
    assert.equal(errorName(3), "UNKNOWN_TOPIC_OR_PARTITION (3)");
    assert.equal(errorName(29), "TOPIC_AUTHORIZATION_FAILED (29)");
    assert.equal(errorName(-1), "UNKNOWN (-1)");
  });

  it("returns the number of an unknown error, and reports a missing answer", () => {
    assert.equal(errorName(4711), "error 4711");
    assert.equal(errorName(undefined), "no answer");
  });
});
