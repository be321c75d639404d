// Version and source revision of this Qanat: the version of deno.json, the revision of `--revision`.
import project from "../../deno.json" with { type: "json" };

/** As in deno.json. */
export const VERSION: string = project.version;

/** The revision of a build that does not set one. */
const UNKNOWN = "unknown";

/** `revision`: from the settings; empty when it is not set. */
export function buildOf(
  { revision }: { readonly revision: string },
): { version: string; revision: string } {
  return { version: VERSION, revision: revision === "" ? UNKNOWN : revision };
}
