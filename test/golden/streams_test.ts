// The bytes of every stream format under every gaps policy, while each fault happens.
import { describe, it } from "@std/testing/bdd";
import type { Channel } from "../../src/channels/channel.ts";
import { A, B, FIRST, GoldenWorld, type WorldOptions } from "./golden_world.ts";

const SELECTION = `channels=${A},${B}`;
const ARROW = "application/vnd.apache.arrow.stream";
const GZIP_ONLY = { "accept-encoding": "gzip, identity;q=0" };

/** Title, path and headers of a client. */
type Format = readonly [string, string, Record<string, string>?];

const FORMATS: readonly Format[] = [
  ["events, fill", `/v1/events?${SELECTION}&gaps=fill`],
  ["events, skip", `/v1/events?${SELECTION}&gaps=skip`],
  ["events, fail", `/v1/events?${SELECTION}&gaps=fail`],
  ["events gzip, fill", `/v1/events?${SELECTION}`, GZIP_ONLY],
  ["events of Arrow, fill", `/v1/events?${SELECTION}&encoding=arrow`],
  ["events of Arrow, skip", `/v1/events?${SELECTION}&encoding=arrow&gaps=skip`],
  ["Arrow, fill", `/v1/arrow?${SELECTION}&gaps=fill`],
  ["Arrow, skip", `/v1/arrow?${SELECTION}&gaps=skip`],
  ["Arrow, fail", `/v1/arrow?${SELECTION}&gaps=fail`],
  ["Arrow gzip, fill", `/v1/arrow?${SELECTION}&coding=gzip`],
  ["trend events, fill", `/v1/events?${SELECTION}&trend=1s`],
  ["trend events, skip", `/v1/events?${SELECTION}&trend=1s&gaps=skip`],
  ["trend events, fail", `/v1/events?${SELECTION}&trend=1s&gaps=fail`],
  ["trend events gzip", `/v1/events?${SELECTION}&trend=1s`, GZIP_ONLY],
  ["trend Arrow, fill", `/v1/arrow?${SELECTION}&trend=1s`],
];
/** Their bytes depend on the rows alone, not on the fault: they are in the scenario without one and in one with. */
const CODECS: readonly Format[] = [
  ["Arrow lz4", `/v1/arrow?${SELECTION}`, { accept: `${ARROW};codecs=lz4` }],
  ["Arrow zstd", `/v1/arrow?${SELECTION}`, { accept: `${ARROW};codecs=zstd` }],
  ["Arrow zstd, skip", `/v1/arrow?${SELECTION}&gaps=skip`, {
    accept: `${ARROW};codecs="zstd, lz4"`,
  }],
];

interface Fault {
  readonly name: string;
  readonly options?: WorldOptions;
  readonly codecs?: boolean;
  readonly play: (world: GoldenWorld) => Promise<void> | void;
}

const FAULTS: readonly Fault[] = [
  { name: "none", codecs: true, play: () => {} },
  {
    name: "missing_blocks",
    codecs: true,
    play: (world) => world.lose(3),
  },
  {
    name: "missing_blocks_beyond_the_fill_limit",
    play: (world) => world.lose(12),
  },
  {
    name: "late_partition",
    play: async (world) => {
      const first = world.row;
      await world.publish(18, { except: [world.topicOf(B)] });
      // After their latency.
      for (let row = first; row < first + 3; row++) {
        world.hand(world.topicOf(B), row);
      }
    },
  },
  {
    name: "block_just_in_time",
    play: async (world) => {
      const first = world.row;
      await world.publish(8, { except: [world.topicOf(B)] });
      for (let row = first; row < first + 8; row++) {
        world.hand(world.topicOf(B), row);
      }
    },
  },
  {
    name: "duplicate_blocks",
    play: (world) => {
      for (const back of [1, 2, 1]) {
        world.hand(world.topicOf(A), world.row - back);
      }
    },
  },
  {
    name: "time_steps_back",
    play: async (world) => {
      // Both publishers, a minute back; the clock of this instance stays.
      for (let i = 0; i < 3; i++) {
        for (const name of [A, B]) {
          world.hand(world.topicOf(name), FIRST - 960 + i);
        }
        world.caughtUp();
        await world.settle();
      }
    },
  },
  {
    name: "publisher_restarts",
    play: async (world) => {
      world.lose(2);
      for (const name of [A, B]) {
        world.source.sink!.onRestart(world.topicOf(name), 0);
      }
      await world.settle();
    },
  },
  {
    name: "channel_changed",
    play: async (world) => {
      world.source.publish({ ...world.channel(B), sampleRate: 128 });
      await world.settle();
    },
  },
  {
    name: "channel_removed",
    play: async (world) => {
      world.source.takeBack(world.channel(B));
      await world.settle();
      await world.open("after it", `/v1/events?${SELECTION}`);
    },
  },
  {
    name: "conflicting_channel",
    play: async (world) => {
      const other: Channel = {
        ...world.channel(B),
        publisher: "SOMEBODY-ELSE",
        sampleRate: 32,
      };
      world.note(
        `refused: ${
          JSON.stringify(world.source.admission.put(other.publisher, other))
        }`,
      );
      await world.settle();
    },
  },
  {
    name: "block_ahead_of_time",
    play: async (world) => {
      world.hand(world.topicOf(B), world.row + 160);
      await world.publish(3);
    },
  },
  {
    name: "source_unreachable_and_back",
    play: async (world) => {
      const away = [world.topicOf(B)];
      world.source.sink!.onDisturbed(away[0]!);
      world.source.state = { reachable: false, unreachable: ["broker:9092"] };
      const first = world.row;
      await world.publish(18, { away });
      world.source.state = {};
      for (let row = first; row < world.row; row++) {
        world.hand(away[0]!, row);
      }
      world.caughtUp();
      await world.settle();
    },
  },
  {
    name: "bad_messages",
    play: async (world) => {
      const topic = world.topicOf(B);
      world.hand(topic, world.row, new TextEncoder().encode("no Arrow"));
      const cut = world.source.blocks.blockOf(topic, world.row).slice(0, 200);
      world.hand(topic, world.row, cut);
      const otherType = world.source.blocks.blockOf(
        world.topicOf(A),
        world.row,
      );
      world.hand(topic, world.row, otherType);
      await world.publish(2, { except: [topic] });
    },
  },
  {
    name: "hole_in_the_log",
    play: (world) => {
      world.source.sink!.onHole(world.topicOf(B), 100, 104);
      world.lose(4);
    },
  },
  {
    name: "wall_clock_steps",
    play: async (world) => {
      world.clock.wallAheadMs = 3_600_000;
      await world.publish(4);
      world.clock.wallAheadMs = 0;
    },
  },
  {
    name: "silence",
    options: { config: { heartbeatMs: 2000 } },
    play: (world) => world.pass(7),
  },
];

describe("streams, byte by byte", () => {
  for (const { name, options = {}, codecs, play } of FAULTS) {
    it(`all formats and gaps policies: ${name}`, () =>
      GoldenWorld.play(`faults/${name}`, options, async (world) => {
        for (
          const [title, path, headers = {}] of [
            ...FORMATS,
            ...(codecs ? CODECS : []),
          ]
        ) await world.open(title, path, { headers });
        await world.publish(5);
        await play(world);
        await world.publish(3);
        // Until what is missing is late, and two bins are whole.
        await world.pass(3);
        await world.publish(2);
        await world.figures("gaps", "blocks", "messages", "rows_late", "time");
      }));
  }
});
