// What `deno task kafka` says of ports that are taken.
import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import { portFault } from "../../scripts/kafka/ports.ts";

describe("portFault()", () => {
  it("names the first port that is taken, its use, and the flag for another one", () => {
    using other = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const { port } = other.addr as Deno.NetAddr;
    const taken = { port, use: "the controller", flag: "--port" };
    const fault = portFault([{ ...taken, port: 0 }, taken]);
    assert.ok(
      fault?.startsWith(
        `Port ${port} of 127.0.0.1 (the controller) is taken by another program`,
      ),
      `${fault}`,
    );
    assert.match(fault ?? "", /choose another port with --port$/);
  });

  it("leaves free ports free", () => {
    const free = [{ port: 0, use: "clients", flag: "--port" }];
    assert.equal(portFault(free), null);
    let port: number;
    {
      using other = Deno.listen({ hostname: "127.0.0.1", port: 0 });
      port = (other.addr as Deno.NetAddr).port;
    }
    assert.equal(portFault([{ ...free[0]!, port }]), null);
    Deno.listen({ hostname: "127.0.0.1", port }).close();
  });
});
