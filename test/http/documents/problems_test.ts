// Every problem has a code that the source uses, a section on /docs/problems and a row in docs/protocol.md; and the other
// way round.
import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import { createApp } from "../../../mod.ts";
import type { Config } from "../../../src/config.ts";
import { PROBLEM_TEXTS } from "../../../src/http/documents/problem_texts.ts";
import {
  PROBLEM_CODES,
  statusOfCode,
} from "../../../src/http/transport/problem_codes.ts";
import { configWith, DrivenSource, silent } from "../../driven_source.ts";
import { operatorApp } from "../../../src/http/routes/operator_app.ts";
import { HostRule } from "../../../src/http/routes/host_rule.ts";
import { Qanat } from "../../../src/app.ts";

const ROOT = new URL("../../../", import.meta.url);
/** They list all codes, and use none. */
const TABLES = ["problem_codes.ts", "problem_texts.ts"];

function* sources(folder: string): Iterable<string> {
  for (const { name, isDirectory } of Deno.readDirSync(new URL(folder, ROOT))) {
    if (isDirectory) {
      if (name !== "lib") yield* sources(`${folder}${name}/`);
    } else if (name.endsWith(".ts") && !TABLES.includes(name)) {
      yield Deno.readTextFileSync(new URL(folder + name, ROOT));
    }
  }
}

const get = async (path: string, config: Partial<Config> = {}) => {
  await using app = await createApp({ config: configWith(config) });
  const answer = await app.fetch(new Request("http://localhost" + path));
  return { answer, text: await answer.text() };
};

describe("problems", () => {
  it("have codes that the source uses, all of them", () => {
    const text = [...sources("src/http/"), ...sources("src/edge/")].join("\n");
    assert.deepEqual(
      PROBLEM_CODES.filter((code) => !text.includes(`"${code}"`)),
      [],
    );
  });

  it("have a section on the page, and the page has no other", async () => {
    const { answer, text } = await get("/docs/problems");
    assert.equal(answer.status, 200);
    assert.match(answer.headers.get("content-type")!, /^text\/html/);
    const ids = [...text.matchAll(/<h2 id="([^"]*)"/g)].map(([, id]) => id);
    assert.deepEqual(ids, PROBLEM_CODES);
    const links = [...text.matchAll(/href="#([^"]*)"/g)].map(([, id]) => id);
    assert.deepEqual(links, PROBLEM_CODES);
    assert.doesNotMatch(text, /<script|style|`/);
  });

  it("have a row in docs/protocol.md with the text of the page, and no other has one", () => {
    const text = Deno.readTextFileSync(new URL("docs/protocol.md", ROOT));
    const rows = [...text.matchAll(/^\| (\d{3}) +\| `(\w+)` +\| (.*)\|$/gm)]
      .map(([, status, code, rest]) => [
        Number(status),
        code,
        ...rest!.split("|").map((cell) => cell.trim()),
      ])
      // Another table has the errors of RFC 6750.
      .filter(({ length }) => length === 4);
    assert.deepEqual(
      rows,
      PROBLEM_CODES.map((code) => {
        const { meaning, remedy } = PROBLEM_TEXTS[code];
        return [statusOfCode(code), code, meaning, remedy];
      }),
    );
  });

  it("have the base path in their type, or that of the public address", async () => {
    const based = await get("/a/b/nothing", { basePath: "/a/b" });
    const { type, request_id: id } = JSON.parse(based.text);
    assert.equal(type, "/a/b/docs/problems#unknown_path");
    assert.match(id, /^[0-9a-f-]{36}$/);
    assert.equal(
      (await get("/a/b/docs/problems", { basePath: "/a/b" })).answer.status,
      200,
    );
    const proxied = await get("/nothing", {
      publicUrl: "https://example.org/data/",
    });
    assert.equal(
      JSON.parse(proxied.text).type,
      "/data/docs/problems#unknown_path",
    );
  });

  it("have their page on the port for operators, too", async () => {
    const qanat = new Qanat({
      config: configWith({}),
      source: new DrivenSource([]),
      log: silent,
    });
    const app = operatorApp(qanat, {
      hostRule: new HostRule({ host: "127.0.0.1", allowedHosts: [] }),
      addressOf: () => "127.0.0.1",
      newRequestId: () => "r",
    });
    const ask = (path: string) =>
      app.fetch(new Request("http://127.0.0.1" + path));
    const { type } = await (await ask("/nothing")).json();
    const page = await ask(type.split("#")[0]);
    assert.match(await page.text(), /<h2 id="unknown_path">/);
  });
});
