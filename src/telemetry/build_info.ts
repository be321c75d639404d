// Version and source revision of this Qanat: the version of deno.json, the revision of `--revision`; and the runtime.
import project from "../../deno.json" with { type: "json" };

/** As in deno.json. */
export const VERSION: string = project.version;

/** Of the HTTP API: the first part of its paths. */
export const API_VERSION = "v1";

/** The revision of a build that does not set one, and a runtime that does not say what it is. */
const UNKNOWN = "unknown";

/** `revision`: from the settings; empty when it is not set. */
export function buildOf(
  { revision }: { readonly revision: string },
): { version: string; revision: string } {
  return { version: VERSION, revision: revision === "" ? UNKNOWN : revision };
}

/** Name and version of the runtime, such as `Deno/2.9.6`. */
export function runtimeOf(
  { userAgent }: { readonly userAgent?: string } = globalThis.navigator ?? {},
): string {
  return userAgent || UNKNOWN;
}
