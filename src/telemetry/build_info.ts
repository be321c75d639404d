// Which Qanat this is: the version of deno.json, and the source revision that its builder has set.
import project from "../../deno.json" with { type: "json" };

/** As in deno.json. */
export const VERSION: string = project.version;

/** What a build that does not say its revision has. */
const UNKNOWN = "unknown";

/** `revision`: of the settings; empty where nobody has set it. */
export function buildOf(
  { revision }: { readonly revision: string },
): { version: string; revision: string } {
  return { version: VERSION, revision: revision === "" ? UNKNOWN : revision };
}
