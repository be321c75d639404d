// What is accepted as certificate and key, and what is said about the rest.
import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { describe, it } from "@std/testing/bdd";
import { tlsIdentityOf } from "../../src/net/tls_identity.ts";
import { testPair } from "../certificates.ts";

const pair = testPair({ notAfterMs: Date.UTC(2040, 0, 2, 3, 4, 5) });
const other = testPair({ notAfterMs: Date.UTC(2039, 0, 2, 3, 4, 5) });

describe("tlsIdentityOf()", () => {
  it("accepts a certificate with its key; a chain expires with its first certificate that does", () => {
    assert.equal(
      tlsIdentityOf(pair.cert, pair.key).notAfterMs,
      Date.UTC(2040, 0, 2, 3, 4, 5),
    );
    const chain = `a comment\n${pair.cert}\n${other.cert}`;
    assert.equal(
      tlsIdentityOf(chain, pair.key).notAfterMs,
      Date.UTC(2039, 0, 2, 3, 4, 5),
    );
  });

  const encrypted = generateKeyPairSync("ec", {
    namedCurve: "P-256",
    privateKeyEncoding: {
      type: "pkcs8",
      format: "pem",
      cipher: "aes-256-cbc",
      passphrase: "hunter2",
    },
    publicKeyEncoding: { type: "spki", format: "pem" },
  }).privateKey;
  const cut = pair.cert.split("\n").toSpliced(3, 3).join("\n");
  for (
    const [what, cert, key, message] of [
      ["a key of another certificate", pair.cert, other.key, /not belong/],
      ["a chain in the wrong order", other.cert + pair.cert, pair.key, /first/],
      ["no certificate", "", pair.key, /--tls-cert has no PEM certificate/],
      ["a key instead", pair.key, pair.key, /--tls-cert has no PEM/],
      ["half a certificate", cut, pair.key, /certificate 1 of --tls-cert/],
      ["a bad chain", pair.cert + cut, pair.key, /certificate 2 of --tls-cert/],
      ["no key", pair.cert, pair.cert, /--tls-key has no PEM private key/],
      ["a key with a passphrase", pair.cert, encrypted, /passphrase/],
    ] as const
  ) {
    it(`refuses ${what}, and shows nothing of the key`, () => {
      assert.throws(() => tlsIdentityOf(cert, key), (error: Error) => {
        assert.match(error.message, message);
        assert.ok(!/BEGIN|[\w+/]{40}/.test(error.message), error.message);
        return true;
      });
    });
  }
});
