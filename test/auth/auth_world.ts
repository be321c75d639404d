// What tests of authentication share: tokens and their entries, files in a folder that the test removes, log lines.
import type { Channel } from "../../src/channels/channel.ts";
import { Catalog } from "../../src/channels/catalog.ts";
import { hashOf, newToken } from "../../src/auth/token.ts";
import { jsonLogger } from "../../src/telemetry/log.ts";
import { aChannel } from "../channels/a_channel.ts";

/** A channel of a publisher. */
export function channel(name: string, publisher = "CAL"): Channel {
  return aChannel({
    name,
    publisher,
    dataType: "float64",
    partitionId: `${publisher}_1`,
  });
}

export function catalogOf(...channels: Channel[]): Catalog {
  const catalog = new Catalog();
  for (const c of channels) catalog.set(c);
  return catalog;
}

/** A new token, and its entry of a token file. */
export function tokenWith(
  name: string,
  fields: Record<string, unknown> = { read: "all" },
) {
  const token = newToken();
  return { token, entry: { name, sha256: hashOf(token), ...fields } };
}

/** Files that tests write as programs of operators do. */
export class Folder {
  readonly path = Deno.makeTempDirSync();

  at(name: string): string {
    return `${this.path}/${name}`;
  }

  write(name: string, content: unknown): string {
    const text = typeof content === "string"
      ? content
      : JSON.stringify(content);
    Deno.writeTextFileSync(this.at(name), text);
    return this.at(name);
  }

  [Symbol.dispose](): void {
    Deno.removeSync(this.path, { recursive: true });
  }
}

/** A log whose lines can be read. */
export function logLines() {
  const lines: Record<string, unknown>[] = [];
  const log = jsonLogger((line) => lines.push(JSON.parse(line)), "debug");
  return { lines, log };
}
