// Runtimes that serve src/edge.ts or src/edge_worker.ts: Deno, workerd with its Durable Object, Node.
// Invariant: each runs what users run: the modules that `deno task edge` writes, and deploy/workerd/config.capnp.
import assert from "node:assert/strict";
import workerd from "workerd";
import { freePort, PARTS, Process } from "./chain.ts";

const ROOT = new URL("../..", import.meta.url);

/** Variables of an instance, such as `QANAT_UPSTREAM`. */
export type Variables = Readonly<Record<string, string>>;

/** A running instance. */
export interface EdgeInstance {
  readonly url: string;
  readonly process: Process;
}

export interface EdgeRuntime {
  readonly name: string;
  /** Needs the files of {@linkcode writeModules} in `folder`. It answers a little later. */
  launch(folder: string, variables: Variables): EdgeInstance;
}

/** Writes the modules for workerd and Node into a folder. */
export async function writeModules(folder: string): Promise<void> {
  const config = await Deno.readTextFile(new URL("deno.json", ROOT));
  const { tasks } = JSON.parse(config) as {
    tasks: Record<string, { command: string }>;
  };
  const [, ...words] = tasks.edge!.command.split(" ");
  const { success, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [...words, `--outdir=${folder}`],
    cwd: ROOT,
    stdin: "null",
  }).output();
  assert.ok(success, new TextDecoder().decode(stderr));
}

export const DENO: EdgeRuntime = {
  name: "Deno",
  launch(_folder, variables) {
    const port = freePort();
    const process = launch("deno", variables, [
      Deno.execPath(),
      "serve",
      "--no-prompt",
      "--frozen",
      "-P=edge",
      "--host=127.0.0.1",
      `--port=${port}`,
      "src/edge.ts",
    ]);
    return { process, url: urlOf(port) };
  },
};

export const NODE: EdgeRuntime = {
  name: "Node",
  launch(folder, variables) {
    const port = freePort();
    const process = launch("node", { ...variables, PORT: String(port) }, [
      PARTS.node.program!,
      `${folder}/edge_node.js`,
    ]);
    return { process, url: urlOf(port) };
  },
};

/** Has an inspector on the next port. */
export const WORKERD: EdgeRuntime = {
  name: "workerd",
  launch(folder, variables) {
    const port = freePort();
    const file = `${folder}/${port}.capnp`;
    Deno.writeTextFileSync(file, workerdConfig(variables));
    const process = launch("workerd", variables, [
      // A module of CommonJS, which has no types.
      (workerd as unknown as { readonly default: string }).default,
      "serve",
      file,
      `--socket-addr=http=127.0.0.1:${port}`,
      `--inspector-addr=127.0.0.1:${port + 1}`,
    ]);
    return { process, url: urlOf(port) };
  },
};

/** The file that we ship, with another path of the module, a local upstream, and more variables. */
function workerdConfig(variables: Variables): string {
  let text = Deno.readTextFileSync(
    new URL("deploy/workerd/config.capnp", ROOT),
  );
  const bindings = Object.keys(variables)
    .filter((name) => !text.includes(`"${name}"`))
    .map((name) => `( name = "${name}", fromEnvironment = "${name}" ),`);
  for (
    const [old, replacement] of [
      ["../../dist/edge_worker.js", "edge_worker.js"],
      [`allow = ["public", "private"]`, `allow = ["local"]`],
      ["bindings = [", `bindings = [ ${bindings.join(" ")}`],
    ] as const
  ) {
    assert.ok(text.includes(old), `the configuration has no ${old}`);
    text = text.replace(old, replacement);
  }
  return text;
}

function launch(
  name: string,
  variables: Variables,
  command: readonly string[],
): Process {
  const settings = Object.entries(variables)
    .map(([variable, value]) => `${variable}=${value}`);
  return new Process(name, "env", [...settings, ...command]);
}

function urlOf(port: number): string {
  return `http://127.0.0.1:${port}`;
}
