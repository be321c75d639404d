// Messages of the real Arrakis publisher, and the samples that were published in them.
import { DATA_TYPES, type DataType } from "../../src/channels/channel.ts";
import { SAMPLE_ARRAYS } from "../../src/channels/sample_arrays.ts";

export interface FixtureMessage {
  topic: string;
  offset: number;
  key: string | null;
  value: Uint8Array | null;
}

export interface FixtureBlock {
  publisher: string;
  time: string;
  stride: string;
  channels: Record<string, (number | string | null)[]>;
}

function lines(name: string): Record<string, unknown>[] {
  const url = new URL(`../../fixtures/arrakis/${name}`, import.meta.url);
  return Deno.readTextFileSync(url).trim().split("\n").map((l) =>
    JSON.parse(l)
  );
}

export function fixtureMessages(): FixtureMessage[] {
  return lines("messages.jsonl").map((line) => ({
    topic: line.topic as string,
    offset: line.offset as number,
    key: line.key as string | null,
    value: line.value_base64 === null
      ? null
      : Uint8Array.fromBase64(line.value_base64 as string),
  }));
}

export function fixtureBlocks(): FixtureBlock[] {
  return lines("expected.jsonl") as unknown as FixtureBlock[];
}

/** The samples of one row of a message. */
export function samplesAt(
  value: Uint8Array,
  dataType: DataType,
  start: number,
  length: number,
): ArrayLike<number | bigint> {
  if (!DATA_TYPES.includes(dataType)) throw new Error(dataType);
  const bytes = value.slice(start);
  return new SAMPLE_ARRAYS[dataType](bytes.buffer, 0, length);
}
