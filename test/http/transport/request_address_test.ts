// The address that a request is counted for, with X-Forwarded-For of trusted proxies.
import assert from "node:assert/strict";
import type { IncomingMessage } from "node:http";
import { describe, it } from "@std/testing/bdd";
import { requestAddress } from "../../../src/http/transport/request_address.ts";
import { trustedBy } from "../../../src/net/forwarded_address.ts";

const trusted = trustedBy(["10.0.0.0/8", "::1", "::ffff:192.0.2.1"]);

function from(peer: string, forwarded?: string): string {
  const request = {
    socket: { remoteAddress: peer },
    headers: forwarded === undefined ? {} : { "x-forwarded-for": forwarded },
  };
  return requestAddress(request as unknown as IncomingMessage, trusted);
}

describe("requestAddress()", () => {
  it("is the peer's in its canonical spelling, whatever header an untrusted peer sends", () => {
    assert.equal(from("203.0.113.9", "198.51.100.1"), "203.0.113.9");
    assert.equal(from("::ffff:203.0.113.9"), "203.0.113.9");
    assert.equal(from("2001:DB8:0:0::1%eth0"), "2001:db8::1");
    assert.equal(requestAddress(undefined, trusted), "");
  });

  it("is the last hop that is not a trusted proxy", () => {
    assert.equal(from("10.0.0.1", "198.51.100.1"), "198.51.100.1");
    assert.equal(from("10.0.0.1", "6.6.6.6, 198.51.100.1"), "198.51.100.1");
    assert.equal(from("::1", "198.51.100.1, 10.1.1.1"), "198.51.100.1");
    assert.equal(from("192.0.2.1", "198.51.100.1"), "198.51.100.1");
    assert.equal(from("10.0.0.1", "10.0.0.2,10.0.0.3"), "10.0.0.2");
    assert.equal(from("10.0.0.1"), "10.0.0.1");
  });

  it("accepts ports, brackets and other spellings (each counted as a client of its own, or as none)", () => {
    assert.equal(from("10.0.0.1", "198.51.100.1:4711"), "198.51.100.1");
    assert.equal(from("10.0.0.1", "[2001:DB8::0:1]:443"), "2001:db8::1");
    assert.equal(from("10.0.0.1", "::FFFF:198.51.100.1"), "198.51.100.1");
    assert.equal(from("10.0.0.1", "198.51.100.1, 10.9.9.9:80"), "198.51.100.1");
  });

  it("stops at an entry that is not an address", () => {
    for (const text of ["unknown", "", "_hidden", "a.example", "1.2.3.4.5"]) {
      assert.equal(from("10.0.0.1", `198.51.100.1, ${text}`), "10.0.0.1");
    }
    assert.equal(
      from("10.0.0.1", "198.51.100.1, unknown, 10.0.0.2"),
      "10.0.0.2",
    );
  });

  it("reads the last 16 hops of a header, however long it is", () => {
    const long = `6.6.6.6,${"10.0.0.2,".repeat(1700)}10.0.0.3`;
    assert.equal(from("10.0.0.1", long), "10.0.0.2");
  });
});
