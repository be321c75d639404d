// One spelling an address, and what is counted as one client.
import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import { addressKey, plainAddress } from "../../src/shares/client_address.ts";

describe("plainAddress()", () => {
  for (
    const [text, plain] of [
      ["1.2.3.4", "1.2.3.4"],
      ["1.2.3.4:5678", "1.2.3.4"],
      ["::ffff:1.2.3.4", "1.2.3.4"],
      ["::FFFF:1.2.3.4", "1.2.3.4"],
      ["::ffff:102:304", "1.2.3.4"],
      ["0:0:0:0:0:ffff:1.2.3.4", "1.2.3.4"],
      ["[::ffff:1.2.3.4]:80", "1.2.3.4"],
      ["2001:DB8:0:0:0:0:0:1", "2001:db8::1"],
      ["2001:db8::1", "2001:db8::1"],
      ["2001:0db8::0001", "2001:db8::1"],
      ["[2001:db8::1]", "2001:db8::1"],
      ["[2001:db8::1]:443", "2001:db8::1"],
      ["fe80::1%eth0", "fe80::1"],
      ["[fe80::1%25eth0]:80", "fe80::1"],
      ["::1", "::1"],
      ["unknown", ""],
      ["_hidden", ""],
      ["", ""],
      ["1.2.3", ""],
      ["1.2.3.256", ""],
      ["01.2.3.4", ""],
      ["1.2.3.4:port", ""],
      ["1:2:3", ""],
      [":::", ""],
      ["[1.2.3.4]", ""],
      ["1".repeat(1000), ""],
    ] as const
  ) {
    it(`makes '${plain}' of '${text.slice(0, 40)}'`, () => {
      assert.equal(plainAddress(text), plain);
    });
  }
});

describe("addressKey()", () => {
  it("is the address for IPv4, and the /64 for IPv6", () => {
    assert.equal(addressKey("1.2.3.4"), "1.2.3.4");
    assert.equal(addressKey(""), "");
    assert.equal(addressKey("2001:db8::1"), "2001:db8:0:0::/64");
    assert.equal(addressKey("2001:db8:0:0:1:2:3:4"), "2001:db8:0:0::/64");
    assert.equal(addressKey("2001:db8:0:1::1"), "2001:db8:0:1::/64");
    assert.equal(addressKey("1:2:3:4:5:6:7::"), "1:2:3:4::/64");
    assert.equal(addressKey("::1"), "0:0:0:0::/64");
  });
});
