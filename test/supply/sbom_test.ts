// The bill of materials: valid by the schema of CycloneDX, complete, and the same each time.
import { describe, it } from "@std/testing/bdd";
import assert from "node:assert/strict";
import Ajv from "ajv/dist/ajv.js";
import library from "@cyclonedx/cyclonedx-library/package.json" with {
  type: "json",
};
import { purlOf, sbomOf } from "../../scripts/supply/sbom_document.ts";
import {
  checkedIn,
  packagesOf,
  startPackages,
} from "../../scripts/supply/start_packages.ts";

const ROOT = new URL("../..", import.meta.url);
const PRODUCT = {
  name: "qanat",
  version: "0.1.0",
  licence: "MIT",
  denoVersion: "2.9.6",
};

/** What is wrong with a document by CycloneDX's own schema; empty when it is valid. */
async function faultsOf(document: unknown): Promise<string[]> {
  const key = `${library.name}@${library.version}`;
  const { stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["info", "--json", "--no-config", "--no-lock", `npm:${key}`],
    cwd: ROOT,
    stdin: "null",
  }).output();
  const info = JSON.parse(new TextDecoder().decode(stdout));
  // The package does not export these files.
  const read = (name: string) =>
    JSON.parse(Deno.readTextFileSync(
      `${
        info.npmPackages[key].localPath
      }/res/schema/${name}.SNAPSHOT.schema.json`,
    ));
  const ajv = new Ajv.default({ strict: false, validateFormats: false });
  for (const name of ["spdx", "jsf-0.82"]) {
    const url = `http://cyclonedx.org/schema/${name}.SNAPSHOT.schema.json`;
    ajv.addSchema(read(name), url);
  }
  const validate = ajv.compile(read("bom-1.6"));
  if (validate(document)) return [];
  return validate.errors!.map((e) => `${e.instancePath} ${e.message}`);
}

describe("deno task sbom", () => {
  it("prints a document that is valid by CycloneDX's schema, the same each time", async () => {
    const print = async () => {
      const { success, stdout, stderr } = await new Deno.Command(
        Deno.execPath(),
        {
          args: "run --no-prompt --frozen -P=tools scripts/sbom.ts".split(" "),
          cwd: ROOT,
          stdin: "null",
        },
      ).output();
      assert.ok(success, new TextDecoder().decode(stderr));
      return new TextDecoder().decode(stdout);
    };
    const text = await print();
    assert.deepEqual(await faultsOf(JSON.parse(text)), []);
    assert.equal(await print(), text);
  });

  it("the schema finds a fault", async () => {
    const document = await sbomOf(PRODUCT, []);
    assert.deepEqual(await faultsOf(document), []);
    assert.notDeepEqual(await faultsOf({ ...document, version: "x" }), []);
    const unknown = await sbomOf({ ...PRODUCT, licence: "Mine" }, []);
    assert.notDeepEqual(await faultsOf(unknown), []);
  });
});

describe("startPackages()", () => {
  it("lists all that deno.lock holds and the checked-in libraries, each with licence and version", async () => {
    const packages = await startPackages(ROOT);
    const lock = JSON.parse(
      Deno.readTextFileSync(new URL("deno.lock", ROOT)),
    );
    assert.deepEqual(
      packages.filter(({ integrity }) => integrity).map(({ key }) => key),
      Object.keys(lock.npm).sort(),
    );
    assert.deepEqual(
      packages.filter(({ integrity }) => !integrity).map(({ name }) => name),
      [
        "@uwdata/flechette",
        "eventsource-parser",
        "fourier-transform",
        "hyparquet-writer",
        "hyparquet",
        "swagger-ui-dist",
        "uplot",
      ],
    );
    for (const { key, licence } of packages) assert.ok(licence, key);
    const { licence } = packages.find((p) => p.name === "swagger-ui-dist")!;
    assert.equal(licence, "Apache-2.0");
  });

  it("lists what the modules load, not what else is locked", () => {
    const localPath = new URL("./package/", import.meta.url).pathname;
    const npmPackages = Object.fromEntries(
      [["a", ["b@1.0.0"]], ["b", ["a@1.0.0"]], ["c", []]].map((
        [name, dependencies],
      ) => [
        `${name}@1.0.0`,
        { name, version: "1.0.0", dependencies, localPath } as never,
      ]),
    );
    const modules = [{ npmPackage: "a@1.0.0" }, {}];
    const integrity = "sha512-AA==";
    const npm = { "a@1.0.0": { integrity }, "b@1.0.0": { integrity } };
    const found = packagesOf({ modules, npmPackages }, { npm });
    assert.deepEqual(
      found.map(({ key, isDirect, licence }) => [key, isDirect, licence]),
      [["a@1.0.0", true, "0BSD"], ["b@1.0.0", false, "0BSD"]],
    );
    assert.throws(
      () => packagesOf({ modules, npmPackages }, { npm: {} }),
      /a@1\.0\.0 is not in deno\.lock/,
    );
    assert.throws(
      () => packagesOf({ modules: [{ error: "no" }], npmPackages }, { npm }),
      /cannot be loaded: no/,
    );
  });

  it("reads names and versions of checked-in libraries from their licences", () => {
    const found = checkedIn(
      "Title\n\n@a/b@1.2.3\n----\n\nNeither the name of\n\n\nc@2.0.0\n-----\n\nMine\n",
    );
    assert.deepEqual(
      found.map((p) => [p.name, p.version, p.licence, p.licenceText]),
      [
        ["@a/b", "1.2.3", "BSD-3-Clause", "Neither the name of"],
        ["c", "2.0.0", null, "Mine"],
      ],
    );
  });
});

describe("sbomOf()", () => {
  it("writes hashes, licences, package URLs and dependencies as CycloneDX does", async () => {
    const one = {
      key: "@a/b@1.0.0_c@2.0.0",
      name: "@a/b",
      version: "1.0.0",
      licence: "(MIT OR Apache-2.0)",
      licenceText: null,
      integrity: `sha512-${"A".repeat(86)}==`,
      isDirect: true,
      dependencies: ["c@2.0.0"],
    };
    const two = {
      ...one,
      key: "c@2.0.0",
      name: "c",
      version: "2.0.0",
      licence: null,
      licenceText: "Mine",
      integrity: null,
      isDirect: false,
      dependencies: [],
    };
    const document = await sbomOf(PRODUCT, [one, two]);
    assert.deepEqual(await faultsOf(document), []);
    const components = document["components"] as Record<string, unknown>[];
    assert.deepEqual(components.slice(2), [
      {
        type: "library",
        "bom-ref": "@a/b@1.0.0_c@2.0.0",
        name: "@a/b",
        version: "1.0.0",
        purl: "pkg:npm/%40a/b@1.0.0",
        hashes: [{ alg: "SHA-512", content: "0".repeat(128) }],
        licenses: [{ expression: "(MIT OR Apache-2.0)" }],
      },
      {
        type: "library",
        "bom-ref": "c@2.0.0",
        name: "c",
        version: "2.0.0",
        purl: "pkg:npm/c@2.0.0",
        licenses: [{
          license: {
            name: "see text",
            text: { contentType: "text/plain", content: "Mine" },
          },
        }],
        properties: [{ name: "qanat:checked-in", value: "true" }],
      },
    ]);
    assert.deepEqual(document["dependencies"], [
      {
        ref: "qanat@0.1.0",
        dependsOn: ["deno@2.9.6", "@a/b@1.0.0_c@2.0.0"],
      },
      { ref: "@a/b@1.0.0_c@2.0.0", dependsOn: ["c@2.0.0"] },
      { ref: "c@2.0.0", dependsOn: [] },
    ]);
    assert.equal(purlOf("c", "2.0.0"), "pkg:npm/c@2.0.0");
  });
});
