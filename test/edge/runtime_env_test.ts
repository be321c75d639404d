// Variables in Deno with and without permission, in Node and in workers.
import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import { runtimeEnv } from "../../src/edge/runtime_env.ts";

const VARIABLES: Record<string, string> = {
  QANAT_UPSTREAM: "https://a",
  QANAT_SLAB_MB: "16",
  HOME: "/root",
};

/** Deno that may read `granted`; undefined: everything. Anything else throws, as Deno does. */
function denoWith(granted: readonly string[] | undefined) {
  const check = (name?: string) => {
    const isGranted = granted === undefined ||
      name !== undefined && granted.includes(name);
    if (!isGranted) throw new Error(`asks for ${name ?? "all"}`);
  };
  return {
    env: {
      get: (name: string) => {
        check(name);
        return VARIABLES[name];
      },
      toObject: () => {
        check();
        return VARIABLES;
      },
    },
    permissions: {
      querySync: ({ variable }: { readonly variable?: string }) => ({
        state: granted === undefined ||
            variable !== undefined && granted.includes(variable)
          ? "granted"
          : "prompt",
      }),
    },
  };
}

describe("runtimeEnv()", () => {
  it("is the whole environment where Deno may read it", () => {
    assert.deepEqual(runtimeEnv({ Deno: denoWith(undefined) }), {
      values: VARIABLES,
      isReadable: true,
    });
  });

  it("has the settings that Deno may read, and asks for no other", () => {
    const { values, isReadable } = runtimeEnv({
      Deno: denoWith(["QANAT_UPSTREAM", "HOME"]),
    });
    assert.deepEqual(values, { QANAT_UPSTREAM: "https://a" });
    assert.ok(isReadable);
  });

  it("says where nothing can be read", () => {
    assert.deepEqual(runtimeEnv({ Deno: denoWith([]) }), {
      values: {},
      isReadable: false,
    });
  });

  it("is that of the process in Node, and empty where there is none", () => {
    const process = { env: VARIABLES };
    assert.equal(runtimeEnv({ process }).values, VARIABLES);
    assert.deepEqual(runtimeEnv({}).values, {});
  });
});
