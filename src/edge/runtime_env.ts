// The variables of the environment, in Deno, Node and workers.
// Invariant: Deno does not ask the user for a permission; a variable that may not be read is unset.
import { SETTINGS } from "../config.ts";
import { variableOf } from "../settings/setting_names.ts";

/** What Deno and Node have. */
interface Runtime {
  readonly Deno?: {
    readonly env: {
      get(name: string): string | undefined;
      toObject(): Record<string, string>;
    };
    readonly permissions: {
      querySync(
        descriptor: { readonly name: "env"; readonly variable?: string },
      ): { readonly state: string };
    };
  };
  readonly process?: {
    readonly env?: Readonly<Record<string, string | undefined>>;
  };
}

export interface RuntimeEnv {
  readonly values: Readonly<Record<string, string | undefined>>;
  /** False where the process may read none of its variables. */
  readonly isReadable: boolean;
}

/** The variables of the process; of workers, which have none, nothing. */
export function runtimeEnv(
  { Deno: deno, process }: Runtime = globalThis as Runtime,
): RuntimeEnv {
  if (!deno) return { values: process?.env ?? {}, isReadable: true };
  const mayRead = (variable?: string) =>
    deno.permissions.querySync({
      name: "env",
      ...(variable === undefined ? {} : { variable }),
    }).state === "granted";
  if (mayRead()) return { values: deno.env.toObject(), isReadable: true };
  const values: Record<string, string | undefined> = {};
  let isReadable = false;
  for (const name of Object.keys(SETTINGS)) {
    const variable = variableOf(name);
    if (!mayRead(variable)) continue;
    isReadable = true;
    values[variable] = deno.env.get(variable);
  }
  return { values, isReadable };
}
