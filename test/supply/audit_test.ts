// The audit: what counts as found, what the list may allow, and that a service that is away is never a clean result.
import assert from "node:assert/strict";
import { after, before, describe, it } from "@std/testing/bdd";
import {
  type Advisory,
  type AdvisoryService,
  osvService,
  registryService,
} from "../../scripts/supply/advisory_services.ts";
import {
  type Allowed,
  readAllowed,
} from "../../scripts/supply/allowed_advisories.ts";
import {
  audit,
  EXIT_FOUND,
  EXIT_UNREACHABLE,
} from "../../scripts/supply/audit.ts";
import { isInRange } from "../../scripts/supply/version_range.ts";

const NOW_MS = Date.parse("2026-11-26T12:00:00Z");
const ID = "GHSA-aaaa-bbbb-cccc";
const ONE: Advisory = {
  id: ID,
  package: "one",
  version: "1.0.0",
  severity: "high",
  title: "reads too far",
};
const ENTRY: Allowed = {
  id: ID,
  package: "one",
  version: "1.0.0",
  reason: "Qanat does not call the function that is affected",
};
const PACKAGES = [
  { name: "one", version: "1.0.0" },
  { name: "@a/two", version: "2.0.0" },
];

function answering(...advisories: Advisory[]): AdvisoryService {
  return { name: "S", ask: () => Promise.resolve(advisories) };
}

const AWAY: AdvisoryService = {
  name: "OSV",
  ask: () => Promise.reject(new Error("fetch failed", { cause: Error("dns") })),
};

async function resultOf(
  services: AdvisoryService[],
  allowed: Allowed[] = [],
  mayBeUnreachable = false,
) {
  const { lines, exitCode } = await audit({
    packages: PACKAGES,
    services,
    allowed,
    nowMs: NOW_MS,
    mayBeUnreachable,
  });
  return { text: lines.join("\n"), exitCode };
}

describe("audit()", () => {
  it("names an advisory that is not allowed, once, and fails", async () => {
    const { text, exitCode } = await resultOf([answering(ONE), answering(ONE)]);
    assert.equal(exitCode, EXIT_FOUND);
    assert.equal(
      text.match(/^FOUND: one 1\.0\.0: GHSA-\S+ \(high\) reads too far$/gm)!
        .length,
      1,
    );
  });

  it("passes where there is none, or each is allowed, and shows the reason", async () => {
    assert.equal((await resultOf([answering()])).exitCode, 0);
    for (const entry of [ENTRY, { ...ENTRY, expires: "2026-11-26" }]) {
      const { text, exitCode } = await resultOf([answering(ONE)], [entry]);
      assert.equal(exitCode, 0, text);
      assert.match(text, /^allowed: GHSA-\S+ of one: Qanat does not call/m);
    }
  });

  it("fails for an entry that has expired, or that nothing matches", async () => {
    for (
      const [change, line] of [
        [{ expires: "2026-11-25" }, /has expired on 2026-11-25/],
        [{ version: "0.9.0" }, /start loads one 1\.0\.0, not 0\.9\.0/],
        [{ package: "three" }, /start does not load three/],
        [{ id: "GHSA-dddd-dddd-dddd" }, /no advisory GHSA-dddd\S+ affects one/],
      ] as const
    ) {
      const entry = { ...ENTRY, ...change };
      const { text, exitCode } = await resultOf([answering(ONE)], [entry]);
      assert.equal(exitCode, EXIT_FOUND, text);
      assert.match(text, line);
      assert.match(text, /^REMOVE from the list: /m);
    }
  });

  it("names each service that is away; one answer is enough", async () => {
    const { text, exitCode } = await resultOf([AWAY, answering()]);
    assert.equal(exitCode, 0);
    assert.match(text, /^UNREACHABLE: OSV: fetch failed: dns$/m);
  });

  it("no answer is not a clean result, and is reported where the caller accepts it", async () => {
    const refused = await resultOf([AWAY, AWAY], [ENTRY]);
    assert.equal(refused.exitCode, EXIT_UNREACHABLE);
    const accepted = await resultOf([AWAY], [], true);
    assert.equal(accepted.exitCode, 0);
    for (const { text } of [refused, accepted]) {
      assert.match(text, /^NOT AUDITED: no advisory service has answered$/m);
    }
    // What needs no service is checked all the same.
    const expired = { ...ENTRY, expires: "2026-01-01" };
    const stale = await resultOf([AWAY], [expired], true);
    assert.equal(stale.exitCode, EXIT_FOUND);
  });
});

describe("readAllowed()", () => {
  it("takes entries with a reason and an end", () => {
    const list = [ENTRY, {
      ...ENTRY,
      version: undefined,
      expires: "2027-02-28",
    }];
    assert.equal(readAllowed(JSON.stringify(list)).length, 2);
  });

  it("names each fault by its entry", () => {
    for (
      const [change, line] of [
        [{ reason: "false alarm" }, /reason must have at least 20 characters/],
        [{ reason: undefined }, /reason must/],
        [{ version: undefined }, /needs version or expires/],
        [{ expires: "2027-02-30" }, /expires must be a day/],
        [{ expires: "soon" }, /expires must be a day/],
        [{ expires: "9999" }, /expires must be a day/],
        [{ id: "all" }, /id must be that of an advisory/],
        [{ package: "" }, /package must be a name/],
        [{ until: "2027-01-01" }, /unknown field until; there are id,/],
      ] as const
    ) {
      const text = JSON.stringify([ENTRY, { ...ENTRY, ...change }]);
      assert.throws(() => readAllowed(text), line);
      assert.throws(() => readAllowed(text), /^Error: entry 2: /);
    }
    assert.throws(() => readAllowed("{}"), /must be an array/);
    assert.throws(() => readAllowed("[1]"), /entry 1: must be an object/);
  });

  it("accepts the list of this repository", () => {
    const file = new URL(
      "../../scripts/supply/allowed_advisories.json",
      import.meta.url,
    );
    readAllowed(Deno.readTextFileSync(file));
  });
});

describe("isInRange()", () => {
  it("reads the ranges of advisories", () => {
    for (
      const [version, range, expected] of [
        ["1.2.3", "<1.2.4", true],
        ["1.2.3", "< 1.2.3", false],
        ["1.2.3", "<= 1.2.3", true],
        ["1.10.0", ">= 1.9.0, < 2.0.0", true],
        ["2.0.0", ">=1.0.0 <2.0.0", false],
        ["2.0.0", ">=1.0.0 <1.5.0 || >=2.0.0 <2.0.1", true],
        ["1.0.0", "= 1.0.0", true],
        ["1.0.0", "1.0.1", false],
        ["1.0.0", ">1.0.0", false],
        ["1.0.0", "*", true],
        ["1.0.0", "", true],
        ["1.0.0-rc.1", "<1.0.0", true],
        ["1.0.0", ">1.0.0-rc.1", true],
        ["1.0.0-rc.2", ">=1.0.0-rc.10", false],
        ["1.0.0-rc.1", ">=1.0.0-rc", true],
        ["1.0.0-1", "<1.0.0-a", true],
        ["1.0.0+build", "=1.0.0", true],
      ] as const
    ) {
      assert.equal(isInRange(version, range), expected, `${version} ${range}`);
    }
  });

  it("counts what it does not understand as affected", () => {
    assert.ok(isInRange("1.0.0", "~>x"));
    assert.ok(isInRange("next", "<1.0.0"));
  });
});

describe("the services", () => {
  let server: Deno.HttpServer;
  let base: string;
  let answer: (request: Request) => Response | Promise<Response>;

  before(() => {
    server = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen() {} },
      (request) => answer(request),
    );
    base = `http://127.0.0.1:${(server.addr as Deno.NetAddr).port}/`;
  });
  after(() => server.shutdown());

  it("asks a registry for all packages at once, and checks the ranges", async () => {
    let asked: unknown;
    let path = "";
    answer = async (request) => {
      path = new URL(request.url).pathname;
      asked = await request.json();
      const advisory = (end: string, range: string) => ({
        id: 7,
        url: `https://github.com/advisories/${end}`,
        title: "reads too far",
        severity: "high",
        vulnerable_versions: range,
      });
      return Response.json({
        one: [advisory(ID, "<1.0.1"), advisory("GHSA-x-y-z", "<1.0.0")],
        "@a/two": [advisory("", ">=2.0.0")],
      });
    };
    const found = await registryService(`${base}npm/`).ask(PACKAGES);
    assert.equal(path, "/npm/-/npm/v1/security/advisories/bulk");
    assert.deepEqual(asked, { "one": ["1.0.0"], "@a/two": ["2.0.0"] });
    assert.deepEqual(found, [ONE, {
      ...ONE,
      id: "npm-7",
      package: "@a/two",
      version: "2.0.0",
    }]);
  });

  it("asks OSV by package URL, and leaves out what was withdrawn", async () => {
    let asked: unknown;
    answer = async (request) => {
      const { pathname } = new URL(request.url);
      if (pathname === "/v1/querybatch") {
        asked = await request.json();
        return Response.json({
          results: [{ vulns: [{ id: ID }, { id: "GHSA-old" }] }, {}],
        });
      }
      if (pathname !== `/v1/vulns/${ID}`) {
        return Response.json({ withdrawn: "2026-01-01T00:00:00Z" });
      }
      return Response.json({
        summary: "reads too far",
        database_specific: { severity: "HIGH" },
      });
    };
    assert.deepEqual(await osvService(base).ask(PACKAGES), [ONE]);
    assert.deepEqual(asked, {
      queries: [
        { package: { purl: "pkg:npm/one@1.0.0" } },
        { package: { purl: "pkg:npm/%40a/two@2.0.0" } },
      ],
    });
  });

  it("rejects every answer that is not the documented one", async () => {
    const answers: [() => Response, RegExp][] = [
      [() => new Response("no", { status: 405 }), /status 405/],
      [() => new Response("<html>"), /not JSON/],
      [() => Response.json([]), /no object/],
      [() => Response.json(null), /no object/],
      [() => new Response("x".repeat(9 * 1024 * 1024)), /longer than/],
      [() => Response.redirect(`${base}elsewhere`), /redirect/],
    ];
    for (const [make, reason] of answers) {
      answer = make;
      for (const service of [registryService(base), osvService(base)]) {
        await assert.rejects(() => service.ask(PACKAGES), reason);
      }
    }
    answer = () => Response.json({ results: [{}] });
    await assert.rejects(
      () => osvService(base).ask(PACKAGES),
      /one result for/,
    );
    answer = () => Response.json({ results: [{ next_page_token: "x" }, {}] });
    await assert.rejects(() => osvService(base).ask(PACKAGES), /one page/);
  });
});
