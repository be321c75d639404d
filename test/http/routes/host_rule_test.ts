// Which values of the Host header are answered.
import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import { HostRule } from "../../../src/http/routes/host_rule.ts";

const LOOPBACK = [
  "localhost",
  "LOCALHOST:8080",
  "localhost.",
  "qanat.localhost:80",
  "127.0.0.1",
  "127.0.0.1:8080",
  "127.1.2.3",
  "[::1]",
  "[::1]:8080",
  "[0:0:0:0:0:0:0:1]",
  "[::ffff:127.0.0.1]",
];
const FOREIGN = [
  "evil.example",
  "evil.example:8080",
  "localhost.evil.example",
  "evil-localhost",
  "127.0.0.1.evil.example",
  "127.1",
  "0x7f000001",
  "[::2]",
  "a b",
  "localhost, evil.example",
  "user@localhost",
  "localhost/",
  "x".repeat(10_000),
];

describe("HostRule", () => {
  it("on loopback answers loopback names only", () => {
    for (const host of ["127.0.0.1", "localhost", "::1", "127.0.0.53"]) {
      const rule = new HostRule({ host, allowedHosts: [] });
      for (const name of LOOPBACK) assert.equal(rule.admits(name), true, name);
      for (const name of FOREIGN) assert.equal(rule.admits(name), false, name);
      assert.equal(rule.admits("10.0.0.1"), false);
    }
  });

  it("answers a request without Host, which no browser sends", () => {
    const rule = new HostRule({ host: "127.0.0.1", allowedHosts: [] });
    assert.equal(rule.admits(undefined), true);
  });

  it("on loopback also answers allowed names", () => {
    const rule = new HostRule({
      host: "127.0.0.1",
      allowedHosts: ["qanat.example.org", "*.lab.example", "2001:db8::1"],
    });
    assert.equal(rule.admits("Qanat.Example.org:443"), true);
    assert.equal(rule.admits("a.b.lab.example"), true);
    assert.equal(rule.admits("lab.example"), false);
    assert.equal(rule.admits("evillab.example"), false);
    assert.equal(rule.admits("[2001:DB8::1]:80"), true);
    assert.equal(rule.admits("evil.example"), false);
    assert.equal(rule.admits("localhost"), true);
  });

  it("elsewhere answers every name, or with --allowed-hosts only those, loopback names and addresses", () => {
    const any = new HostRule({ host: "0.0.0.0", allowedHosts: [] });
    assert.equal(any.admits("qanat.example.org"), true);
    const some = new HostRule({ host: "0.0.0.0", allowedHosts: ["a.example"] });
    assert.equal(some.admits("a.example"), true);
    assert.equal(some.admits("evil.example"), false);
    // Probes of Kubernetes and scrapes of Prometheus.
    assert.equal(some.admits("10.1.2.3:8080"), true);
    assert.equal(some.admits("[fd00::1]:8080"), true);
    assert.equal(some.admits("localhost:8080"), true);
  });

  it("allows any name with *, also on loopback", () => {
    const rule = new HostRule({ host: "127.0.0.1", allowedHosts: ["*"] });
    assert.equal(rule.admits("evil.example"), true);
  });

  it("recognizes by the server's address that its name means loopback, and answers to that name", () => {
    const rule = new HostRule({ host: "box.lan", allowedHosts: [] });
    assert.equal(rule.admits("evil.example"), true);
    rule.listensOn("127.0.1.1");
    assert.equal(rule.admits("evil.example"), false);
    assert.equal(rule.admits("box.lan:8080"), true);
  });
});
