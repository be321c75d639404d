// Headers that list what a client accepts, of any length: they are refused before they cost anything.
import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import { createApp } from "../../../mod.ts";
import {
  LIST_CHARS_MAX,
  LIST_ITEMS_MAX,
} from "../../../src/http/limits/accept_lists.ts";
import { configWith } from "../../driven_source.ts";

const PATHS = ["/", "/v1/channels", "/v1/events", "/v1/data", "/openapi.json"];

describe("a header that lists what a client accepts", () => {
  it("has a limit of characters and of items at each path, with a problem that names it", async () => {
    await using app = await createApp({ config: configWith({}) });
    const longest = ["*/*", ...Array(LIST_ITEMS_MAX - 1).fill("a/b")].join();
    const texts = [
      [longest, 0],
      ["a".repeat(LIST_CHARS_MAX), 0],
      [`${longest},a/b`, 1],
      ["a".repeat(LIST_CHARS_MAX + 1), 1],
      ['a/b;x="' + ",".repeat(LIST_ITEMS_MAX) + '"', 1],
    ] as const;
    let refused = 0;
    for (const path of PATHS) {
      for (const name of ["accept", "accept-encoding"]) {
        for (const [text, isTooLong] of texts) {
          const request = new Request(`http://qanat.test${path}`, {
            headers: { [name]: text },
          });
          const { status, headers, body } = await app.fetch(request);
          assert.equal(status === 431, isTooLong === 1, `${path} ${text}`);
          if (isTooLong === 0) {
            await body?.cancel();
            continue;
          }
          refused++;
          assert.equal(headers.get("content-type"), "application/problem+json");
          const problem = await new Response(body).json();
          assert.equal(problem.code, "request_head_too_large");
          assert.equal(problem.param, name);
          assert.equal(problem.limit, "accept");
          assert.match(problem.detail, /at most 2048 characters and 64 items/);
        }
      }
    }
    const metrics = await app.fetch(new Request("http://qanat.test/metrics"));
    assert.ok(
      (await metrics.text()).includes(
        `\nqanat_requests_refused_total{limit="accept"} ${refused}\n`,
      ),
    );
  });
});
