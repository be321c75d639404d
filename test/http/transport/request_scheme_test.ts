// Which requests count as HTTPS, behind trusted proxies and others.
import assert from "node:assert/strict";
import type { IncomingMessage } from "node:http";
import { describe, it } from "@std/testing/bdd";
import { trustedBy } from "../../../src/net/forwarded_address.ts";
import { isHttps } from "../../../src/http/transport/request_scheme.ts";

const PROXY = "10.1.2.3";
const trusted = trustedBy(["10.0.0.0/8"]);

function request(
  remoteAddress: string,
  proto?: string,
  encrypted?: boolean,
): IncomingMessage {
  return {
    socket: { remoteAddress, encrypted },
    headers: proto === undefined ? {} : { "x-forwarded-proto": proto },
  } as unknown as IncomingMessage;
}

describe("a request", () => {
  it("is HTTPS when its own connection is encrypted", () => {
    assert.equal(isHttps(request("192.0.2.1", undefined, true), trusted), true);
    assert.equal(isHttps(request("192.0.2.1", "http", true), trusted), true);
  });

  it("is HTTPS when a trusted proxy says so, in the last entry of the header", () => {
    const cases: [string | undefined, boolean][] = [
      ["https", true],
      ["HTTPS", true],
      ["http, https", true],
      ["https, http", false],
      ["https,", false],
      ["http", false],
      ["", false],
      [undefined, false],
    ];
    for (const [proto, expected] of cases) {
      assert.equal(isHttps(request(PROXY, proto), trusted), expected, proto);
    }
    assert.equal(isHttps(request(`::ffff:${PROXY}`, "https"), trusted), true);
  });

  it("is not HTTPS because anyone else says so", () => {
    assert.equal(isHttps(request("192.0.2.1", "https"), trusted), false);
    assert.equal(isHttps(undefined, trusted), false);
  });
});
