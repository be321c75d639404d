import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import { hashOf, newToken } from "../../src/auth/token.ts";
import {
  REQUEST_ID_LENGTH_MAX,
  requestTraceOf,
  traceFields,
} from "../../src/telemetry/request_trace.ts";

const TRACE = "0af7651916cd43dd8448eb211c80319c";
const PARENT = "b7ad6b7169203331";

function idOf(requestId: string | undefined): string {
  const headers = { requestId, traceparent: undefined };
  return requestTraceOf(headers, () => "made").requestId;
}

function traceIdOf(traceparent: string): string | null {
  return requestTraceOf({ requestId: undefined, traceparent }).traceId;
}

describe("the id of a request", () => {
  it("is the client's, as proxies and programs write them", () => {
    for (
      const id of [
        "4bf92f3577b34da6a3ce929d0e0e4736",
        "0192c3d4-7e8f-7abc-8def-0123456789ab",
        "Root=1-67891233-abcdef012345678912345678",
        "host/Kx+9==:7@a.b~c_d",
        "x".repeat(REQUEST_ID_LENGTH_MAX),
      ]
    ) assert.equal(idOf(id), id);
  });

  it("is made where there is none, or one that is too long or has other characters", () => {
    for (
      const id of [
        ...[
          undefined,
          "",
          " ",
          "a b",
          "a,b",
          'a"b',
          "a\nb",
          "ä",
          "$(id)",
          "<b>",
        ],
        "x".repeat(REQUEST_ID_LENGTH_MAX + 1),
      ]
    ) assert.equal(idOf(id), "made");
  });

  it("is made where the client's is a token or its hash, since logs and answers show it", () => {
    const token = newToken();
    for (const id of [token, `id=${token}`, hashOf(token)]) {
      assert.equal(idOf(id), "made");
    }
  });

  it("is another one for each request", () => {
    const none = { requestId: undefined, traceparent: undefined };
    const ids = new Set(
      Array.from({ length: 1000 }, () => requestTraceOf(none).requestId),
    );
    assert.equal(ids.size, 1000);
  });
});

describe("the trace of a request", () => {
  it("is that of a valid traceparent", () => {
    assert.equal(traceIdOf(`00-${TRACE}-${PARENT}-01`), TRACE);
    // A later version may have more.
    assert.equal(traceIdOf(`01-${TRACE}-${PARENT}-01-more`), TRACE);
  });

  it("is none for anything else", () => {
    for (
      const text of [
        ...["", "00", `${TRACE}-${PARENT}`, `00-${TRACE}-${PARENT}`],
        `00-${TRACE}-${PARENT}-01-more`,
        `ff-${TRACE}-${PARENT}-01`,
        `00-${TRACE.toUpperCase()}-${PARENT}-01`,
        `00-${"0".repeat(32)}-${PARENT}-01`,
        `00-${TRACE}-${"0".repeat(16)}-01`,
        `00-${TRACE}-${PARENT}-01, 00-${TRACE}-${PARENT}-01`,
        `01-${TRACE}-${PARENT}-01-${"x".repeat(1000)}`,
      ]
    ) assert.equal(traceIdOf(text), null, text);
  });

  it("is a field of a log line where there is one", () => {
    assert.deepEqual(traceFields(undefined), {});
    assert.deepEqual(traceFields({ requestId: "a", traceId: null }), {
      request_id: "a",
    });
    assert.deepEqual(traceFields({ requestId: "a", traceId: TRACE }), {
      request_id: "a",
      trace_id: TRACE,
    });
  });
});
