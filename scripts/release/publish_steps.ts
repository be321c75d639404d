// What a release publishes, where, and by which command of which standard tool.
// Invariant: nothing here runs a command; the tag comes first, so that what is published can be found in the repository.

/** What has been built. Paths are absolute. */
export interface Built {
  readonly version: string;
  readonly revision: string;
  /** Archives of `npm pack`. */
  readonly npm: readonly string[];
  readonly wheel: string;
  /** Name of the image without its tag, such as `ghcr.io/NAME/qanat`; null: none is published. */
  readonly image: string | null;
}

/** One command. */
export interface Step {
  readonly what: string;
  readonly where: string;
  readonly command: readonly string[];
}

/** The commands, in their order. */
export function publishSteps(
  { version, revision, npm, wheel, image }: Built,
): Step[] {
  const tag = `v${version}`;
  const steps: Step[] = [
    {
      what: `the tag ${tag}`,
      where: "this repository",
      command: ["git", "tag", "-a", tag, "-m", `Qanat ${version}`],
    },
    {
      what: `the tag ${tag}`,
      where: "its remote `origin`",
      command: ["git", "push", "origin", tag],
    },
    {
      what: "the library",
      where: "jsr.io",
      command: ["deno", "publish"],
    },
    ...npm.map((archive) => ({
      what: nameOf(archive),
      where: "npm's registry",
      command: ["npm", "publish", "--access", "public", archive],
    })),
    {
      what: nameOf(wheel),
      where: "PyPI",
      command: ["python3", "-m", "twine", "upload", wheel],
    },
  ];
  if (image === null) return steps;
  const name = `${image}:${version}`;
  return [
    ...steps,
    {
      what: name,
      where: "this machine",
      command: [
        ...["docker", "build", "--build-arg", `REVISION=${revision}`],
        ...["-t", name, "."],
      ],
    },
    {
      what: name,
      where: "the image's registry",
      command: ["docker", "push", name],
    },
  ];
}

function nameOf(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}
