// A software bill of materials in CycloneDX 1.6: what a running Qanat consists of.
// Invariant: the same packages give the same document, byte for byte; so it has no time, and its number is a hash.
import type { StartPackage } from "./start_packages.ts";

export interface Product {
  readonly name: string;
  readonly version: string;
  readonly licence: string;
  /** The version of Deno in the image. */
  readonly denoVersion: string;
}

/** src/source/strain.ts. */
const EMBEDDED_DATA = {
  type: "data",
  "bom-ref": "gwosc-gw150914",
  name: "GW150914 strain of GWOSC",
  licenses: [{ license: { id: "CC-BY-4.0" } }],
  externalReferences: [
    { type: "website", url: "https://doi.org/10.7935/K5MW2F23" },
  ],
};

/** The document as an object. */
export async function sbomOf(
  { name, version, licence, denoVersion }: Product,
  packages: readonly StartPackage[],
): Promise<Record<string, unknown>> {
  const root = `${name}@${version}`;
  const deno = `deno@${denoVersion}`;
  const body = {
    metadata: {
      component: {
        type: "application",
        "bom-ref": root,
        name,
        version,
        licenses: licencesOf(licence, null),
      },
    },
    components: [
      {
        type: "platform",
        "bom-ref": deno,
        name: "deno",
        version: denoVersion,
        licenses: licencesOf("MIT", null),
      },
      EMBEDDED_DATA,
      ...packages.map(componentOf),
    ],
    dependencies: [
      {
        ref: root,
        dependsOn: [
          deno,
          ...packages.filter((one) => one.isDirect).map(({ key }) => key),
        ],
      },
      ...packages.map(({ key, dependencies }) => ({
        ref: key,
        dependsOn: [...dependencies].sort(),
      })),
    ],
  };
  return {
    bomFormat: "CycloneDX",
    specVersion: "1.6",
    serialNumber: `urn:uuid:${await uuidOf(JSON.stringify(body))}`,
    version: 1,
    ...body,
  };
}

function componentOf(
  { key, name, version, licence, licenceText, integrity }: StartPackage,
) {
  return {
    type: "library",
    "bom-ref": key,
    name,
    version,
    purl: purlOf(name, version),
    ...(integrity === null ? {} : { hashes: [hashOf(integrity)] }),
    ...(licence === null && licenceText === null
      ? {}
      : { licenses: licencesOf(licence, licenceText) }),
    ...(integrity === null
      ? { properties: [{ name: "qanat:checked-in", value: "true" }] }
      : {}),
  };
}

/** The package URL of an npm package. */
export function purlOf(name: string, version: string): string {
  return `pkg:npm/${name.replace("@", "%40")}@${version}`;
}

/** `id`: one licence of the SPDX list; `expression`: several with AND, OR, WITH. */
function licencesOf(licence: string | null, text: string | null) {
  if (licence !== null && /[\s()]/.test(licence)) {
    return [{ expression: licence }];
  }
  const named = licence === null ? { name: "see text" } : { id: licence };
  const attached = text === null
    ? {}
    : { text: { contentType: "text/plain", content: text } };
  return [{ license: { ...named, ...attached } }];
}

/** `sha512-` and base64, as npm and Deno write it, as CycloneDX writes it. */
function hashOf(integrity: string) {
  const [, algorithm, digest] = integrity.match(/^sha(\d+)-(.+)$/) ?? [];
  if (digest === undefined) throw new Error(`No hash: ${integrity}`);
  return {
    alg: algorithm === "1" ? "SHA-1" : `SHA-${algorithm}`,
    content: Uint8Array.fromBase64(digest).toHex(),
  };
}

/** A UUID of version 8, whose digits are those of a hash. */
async function uuidOf(text: string): Promise<string> {
  const bytes = new TextEncoder().encode(text);
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  hash[6] = 0x80 | hash[6]! & 0x0f;
  hash[8] = 0x80 | hash[8]! & 0x3f;
  const hex = hash.subarray(0, 16).toHex();
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}
