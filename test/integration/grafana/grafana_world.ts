// What the suite of Grafana's data source needs: the built plugin, two Qanats, and proxies as Grafana has them.
// Invariant: close() ends and removes all that was made here.
import assert from "node:assert/strict";
import { run } from "../../../scripts/release/folder.ts";
import { builtGrafanaPlugin } from "../../../scripts/release/grafana_plugin.ts";
import { type Launched, launchQanat } from "../chain.ts";
import { PluginHost } from "./plugin_host.ts";
import { GrafanaProxy, type Route } from "./grafana_proxy.ts";

const ROOT = new URL("../../..", import.meta.url);

/** A column of a frame. */
export interface Field {
  readonly name: string;
  readonly values: (number | null)[];
  readonly config: Record<string, unknown>;
}
/** A response of a query, as Grafana gets it. */
export interface Response {
  readonly state: string;
  readonly errors?: { message: string; status?: number }[];
  readonly data: {
    readonly fields: [Field, Field, ...Field[]];
    readonly meta: { notices: { text: string }[] };
  }[];
}
/** Of the button "Save & test". */
export interface Tested {
  readonly status: string;
  readonly message: string;
}
/** What the scenario `watch` of plugin_host.cjs has seen. */
export interface Watched {
  readonly pictures: number;
  readonly pointsMost: number;
  readonly heapFirstMb: number;
  readonly heapLastMb: number;
  readonly nulls: number;
}

export class GrafanaWorld {
  /** What Grafana loads. */
  readonly plugin: string;
  /** Folder of the plugin's packages. */
  readonly packages: string;
  readonly #folder: string;
  readonly #route: Route;
  #host: PluginHost | null = null;
  readonly #closers: (() => Promise<unknown>)[] = [];

  private constructor(folder: string, packages: string, route: Route) {
    this.#folder = folder;
    this.plugin = `${folder}/plugin`;
    this.packages = packages;
    this.#route = route;
  }

  /** Builds the plugin. */
  static async made(): Promise<GrafanaWorld> {
    const folder = await Deno.makeTempDir({ prefix: "qanat-grafana-" });
    try {
      const packages = await builtGrafanaPlugin(`${folder}/plugin`);
      const { routes } = JSON.parse(
        await Deno.readTextFile(`${folder}/plugin/plugin.json`),
      );
      assert.equal(routes.length, 1);
      return new GrafanaWorld(folder, packages, routes[0]);
    } catch (error) {
      await Deno.remove(folder, { recursive: true });
      throw error;
    }
  }

  /** A Qanat that answers. */
  async qanat(args: readonly string[]): Promise<Launched> {
    const launched = launchQanat(args);
    this.#closers.push(() => launched.qanat.stop());
    await launched.qanat.answers(`${launched.url}/readyz`);
    return launched;
  }

  /** `token`: what the settings of the data source have. */
  proxy(to: Launched, token?: string): GrafanaProxy {
    const proxy = new GrafanaProxy(this.#route, to.url, token);
    this.#closers.push(() => proxy.close());
    return proxy;
  }

  /** Writes a file as JSON; returns its path. */
  async file(name: string, content: object): Promise<string> {
    const path = `${this.#folder}/${name}`;
    await Deno.writeTextFile(path, JSON.stringify(content));
    return path;
  }

  /** A file of tokens, and the one in it, which reads all. */
  async tokens(): Promise<{ file: string; token: string }> {
    const file = `${this.#folder}/tokens.json`;
    const out = await run(Deno.execPath(), [
      ..."task --quiet token add grafana --read=all".split(" "),
      `--file=${file}`,
    ], { cwd: ROOT });
    return { file, token: out.trim() };
  }

  /** Runs a scenario of plugin_host.cjs, with the plugin set to this URL. `host`: one of its own. */
  inGrafana<T>(
    url: string,
    name: string,
    more: object = {},
    host: PluginHost = this.#host ??= this.host(),
  ): Promise<T> {
    return host.ask<T>({ name, url, ...more });
  }

  /** Node with the plugin: loading Grafana's packages takes seconds. */
  host(): PluginHost {
    const host = new PluginHost(`${this.plugin}/module.js`, this.packages);
    this.#closers.push(() => host.close());
    return host;
  }

  async close(): Promise<void> {
    for (const close of this.#closers.reverse()) await close();
    await Deno.remove(this.#folder, { recursive: true });
  }
}
