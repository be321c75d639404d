// The page's files: all there, nothing inline, nothing from elsewhere, libraries of the versions that deno.json names.
import assert from "node:assert/strict";
import { after, before, describe, it } from "@std/testing/bdd";
import { type App, createApp } from "../../mod.ts";
import { PAGE_FILES } from "../../src/page/page_files.ts";
import { configWith } from "../driven_source.ts";

const HTML = { headers: { accept: "text/html,*/*;q=0.8" } };

describe("the page's files", () => {
  it("find each other", () => {
    for (const [name, { text }] of PAGE_FILES) {
      const isPage = name === "page.html";
      const wanted = [
        ...text.matchAll(/from "\.\/([^"]+)"/g),
        ...text.matchAll(/new URL\("\.\/([^"]+\.js)"/g),
        ...(isPage ? text.matchAll(/(?:src|href)="page\/([^"]+)"/g) : []),
      ].map((match) => match[1]!);
      for (const file of wanted) {
        assert.ok(PAGE_FILES.has(file), `'${name}' asks for ${file}`);
      }
      if (!text.startsWith("/*!") && name.endsWith(".js")) {
        assert.doesNotMatch(
          text,
          /^(import|\}) .*from "[^.]/m,
          `'${name}' asks for a package`,
        );
      }
    }
  });

  it("need no inline script or style and no other host", () => {
    const { text } = PAGE_FILES.get("page.html")!;
    assert.doesNotMatch(text, /<style|\sstyle=|\son\w+=|<script(?![^>]+src=)/);
    assert.doesNotMatch(text, /(?:src|href)="https?:(?!\/\/doi\.org)/);
  });

  it("hold the libraries of deno.json, with their licences", () => {
    const { scopes } = JSON.parse(
      Deno.readTextFileSync(new URL("../../deno.json", import.meta.url)),
    );
    const imports = scopes["./src/page/"];
    const licences = PAGE_FILES.get("licences.txt")!.text;
    for (
      const [name, file] of [
        ["uplot", "uplot.js"],
        ["@uwdata/flechette", "flechette.js"],
        ["fourier-transform", "fourier.js"],
        ["eventsource-parser", "parser.js"],
      ] as const
    ) {
      const version = imports[name].replace("npm:", "");
      const { text } = PAGE_FILES.get(file)!;
      assert.ok(
        text.startsWith(`/*! ${version}, `),
        `run 'deno task make:libraries': ${file} is not of ${version}`,
      );
      assert.ok(licences.includes(`${version}\n---`), version);
    }
  });
});

describe("GET /", () => {
  let app: App;
  const get = (path: string, init?: RequestInit) =>
    Promise.resolve(app.fetch(new Request("http://h" + path, init)));
  before(async () => {
    app = await createApp({ config: configWith({ basePath: "/data" }) });
  });
  after(() => app.close());

  it("is the page for a browser and the index for curl", async () => {
    const page = await get("/data/", HTML);
    assert.equal(page.headers.get("content-type"), "text/html; charset=utf-8");
    assert.match(
      page.headers.get("content-security-policy")!,
      /default-src 'none'.*frame-ancestors 'none'/,
    );
    assert.match(await page.text(), /<!DOCTYPE html>/i);
    for (const path of ["/data", "/data/"]) {
      const index = await get(path, { headers: { accept: "*/*" } });
      assert.match(await index.text(), /http:\/\/h\/data\/v1\/events/);
      assert.match(index.headers.get("vary")!, /accept/i);
    }
  });

  it("sends a browser to the address with its slash", async () => {
    const response = await get("/data", HTML);
    assert.equal(response.status, 308);
    assert.equal(response.headers.get("location"), "data/");
  });

  it("answers 304 to what is known, and 405 to other methods", async () => {
    const first = await get("/data/qanat.js");
    assert.match(await first.text(), /page\/qanat\.js/);
    const etag = first.headers.get("etag")!;
    const again = await get("/data/qanat.js", {
      headers: { "if-none-match": `"x", W/${etag}` },
    });
    assert.equal(again.status, 304);
    assert.equal(await again.text(), "");
    const posted = await get("/data/qanat.js", { method: "POST" });
    assert.equal(posted.status, 405);
    await posted.body?.cancel();
  });
});
