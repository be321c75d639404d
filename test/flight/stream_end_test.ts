// The errors with which streams of Flight end.
import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import { endOf } from "../../src/flight/stream_end.ts";

describe("the end of a stream of Flight", () => {
  it("says what the client can do next, and nothing that would not help", () => {
    assert.equal(endOf("complete"), null);
    assert.match(
      endOf("drain")!.message,
      /is stopping \(drain\); open it again$/,
    );
    assert.match(
      endOf("revoked")!.message,
      /open it again with another token$/,
    );
    assert.match(
      endOf("expired")!.message,
      /open it again with another token$/,
    );
    assert.match(
      endOf("closed-by-operator")!.message,
      /\(closed-by-operator\)$/,
    );
  });
});
