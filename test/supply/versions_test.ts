// Every file that names a version names that of deno.json.
import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import { versionFaults } from "../../scripts/release/versions.ts";

const ROOT = new URL("../..", import.meta.url);

/** A file of this repository; null if there is none. */
function read(path: string): string | null {
  try {
    return Deno.readTextFileSync(new URL(path, ROOT));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}

describe("versionFaults()", () => {
  it("finds none in this repository", () => {
    assert.deepEqual(versionFaults(read), []);
  });

  it("names a file that has another version, or none", () => {
    const changed: Record<string, string> = {
      "CHANGELOG.md": "# Changelog\n\n## Unreleased\n",
      "deploy/kubernetes.yaml": "image: registry.example.org/qanat:9.0.0\n",
      "deploy/helm/qanat/Chart.yaml": "version: 9.0.1\nappVersion: 9.0.2\n",
    };
    const faults = versionFaults((path) => changed[path] ?? read(path));
    assert.deepEqual(
      faults.map((fault) => fault.replace(/; .*/, "")),
      [
        "CHANGELOG.md names no version",
        "deploy/kubernetes.yaml has 9.0.0",
        "deploy/helm/qanat/Chart.yaml has 9.0.1",
        "deploy/helm/qanat/Chart.yaml has 9.0.2",
      ],
    );
  });
});
