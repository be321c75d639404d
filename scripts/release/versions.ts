// Where the version of deno.json stands a second time: in files of other tools, which cannot read it there.
// Invariant: a place that names no version, or another one, is reported by its file.

/** Reads a file of the repository; null if there is none. */
export type ReadFile = (path: string) => string | null;

interface Place {
  readonly file: string;
  /** Its first group is the version. */
  readonly pattern: RegExp;
  /** A part that this repository need not have. */
  readonly mayBeAbsent?: boolean;
}

const VERSION = String.raw`(\d+\.\d+\.\d+\S*?)`;

const PLACES: readonly Place[] = [
  { file: "CHANGELOG.md", pattern: /^## (\d+\.\d+\.\d+)$/m },
  {
    file: "clients/python/pyproject.toml",
    pattern: new RegExp(`^version = "${VERSION}"$`, "m"),
  },
  {
    file: "Dockerfile",
    pattern: new RegExp(`image\\.version="${VERSION}"`),
  },
  {
    file: "deploy/kubernetes.yaml",
    pattern: new RegExp(`image: \\S+/qanat:${VERSION}$`, "m"),
  },
  {
    file: "deploy/helm/qanat/Chart.yaml",
    pattern: new RegExp(`^version: "?${VERSION}"?$`, "m"),
  },
  {
    file: "deploy/helm/qanat/Chart.yaml",
    pattern: new RegExp(`^appVersion: "?${VERSION}"?$`, "m"),
  },
  {
    file: "deploy/grafana/plugin/package.json",
    pattern: new RegExp(`^  "version": "${VERSION}"`, "m"),
    mayBeAbsent: true,
  },
];

/** The version of deno.json. */
export function versionOf(read: ReadFile): string {
  return JSON.parse(read("deno.json")!).version;
}

/** One line for each place that does not agree with deno.json; empty when all do. */
export function versionFaults(read: ReadFile): string[] {
  const version = versionOf(read);
  const faults: string[] = [];
  for (const { file, pattern, mayBeAbsent } of PLACES) {
    const text = read(file);
    if (text === null && mayBeAbsent) continue;
    const found = text?.match(pattern)?.[1];
    if (found === version) continue;
    const what = found === undefined ? "names no version" : `has ${found}`;
    faults.push(`${file} ${what}; deno.json has ${version}`);
  }
  return faults;
}
