// The bytes that clients get who come back, or who ask for a range of history, from the ring and from the source.
import { describe, it } from "@std/testing/bdd";
import {
  A,
  B,
  FIRST,
  type GoldenClient,
  GoldenWorld,
  STRIDE_NS,
} from "./golden_world.ts";

const EVENTS = `/v1/events?channels=${A},${B}`;
const ARROW = `/v1/arrow?channels=${A},${B}`;
const idOf = (row: number) => String(BigInt(row) * STRIDE_NS);
/** GPS seconds at which a row begins, as text. */
const gpsOf = (row: number) => String(row / 16);

/** All of a client's ids, in order. */
function idsOf(client: GoldenClient): string[] {
  const text = client.writes.map((w) => new TextDecoder().decode(w)).join("");
  return [...text.matchAll(/^id: (\S+)$/gm)].map(([, id]) => id!);
}

/** Plays a scenario in which a ring holds 40 rows, while one client keeps them leased. */
function resumes(
  name: string,
  clients: (world: GoldenWorld) => Promise<void>,
  config = {},
): Promise<void> {
  return GoldenWorld.play(`resumes/${name}`, { config }, async (world) => {
    const keeper = await world.open(
      "keeps the topics read",
      `${EVENTS}&gaps=skip`,
    );
    await world.publish(40);
    keeper.leave();
    keeper.ending = "left";
    await clients(world);
    await world.publish(3);
    await world.figures("gaps", "past", "history", "resume");
  });
}

const LINGER = { lingerMs: 600_000 };

describe("resumes, byte by byte", () => {
  it("by an id that the ring holds", () =>
    resumes("id_in_the_ring", async (world) => {
      const id = idOf(FIRST + 35);
      const headers = { "last-event-id": id };
      await world.open("header", EVENTS, { headers });
      await world.open("header, Arrow in events", `${EVENTS}&encoding=arrow`, {
        headers,
      });
      await world.open("parameter", `${EVENTS}&after=${id}`);
      await world.open("parameter, Arrow", `${ARROW}&after=${id}`);
      await world.open("parameter of a library", `${EVENTS}&lastEventId=${id}`);
      await world.open("body", "/v1/events", {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ channels: [A, B], after: id }),
      });
      await world.open("the newest id", `${EVENTS}&after=${idOf(FIRST + 40)}`);
    }, LINGER));

  it("by ids of the future, and by texts that are no ids", () =>
    resumes("id_of_the_future", async (world) => {
      for (const ahead of [1, 3, 100]) {
        const id = idOf(FIRST + 40 + ahead);
        await world.open(`${ahead} rows ahead`, `${EVENTS}&after=${id}`);
      }
      for (const id of ["nonsense", "1~2~3", "-5"]) {
        await world.open("no id", `${EVENTS}&gaps=skip&after=${id}`);
      }
      await world.open("no id, Arrow", `${ARROW}&after=nonsense`);
    }, LINGER));

  it("by ids that the ring has overwritten: read again, or a gap where the window is short", async () => {
    await resumes("id_gone_from_the_ring", async (world) => {
      const id = idOf(FIRST - 20);
      await world.open("within the window", `${EVENTS}&after=${id}`);
      await world.open("within the window, Arrow", `${ARROW}&after=${id}`);
      await world.open("gaps=fail", `${EVENTS}&gaps=fail&after=${id}`);
    }, LINGER);
    await resumes("id_before_the_window", async (world) => {
      const id = idOf(FIRST - 20);
      await world.open("fill", `${EVENTS}&after=${id}`);
      await world.open("skip", `${EVENTS}&gaps=skip&after=${id}`);
      await world.open("fail", `${EVENTS}&gaps=fail&after=${id}`);
      await world.open("Arrow", `${ARROW}&after=${id}`);
    }, { ...LINGER, resumeWindowMs: 1000 });
  });

  it("in trends", () =>
    resumes("trends", async (world) => {
      await world.pass(2);
      await world.publish(32);
      const start = gpsOf(FIRST);
      await world.open("from a start", `${EVENTS}&trend=1s&start=${start}`);
      await world.open(
        "by an id",
        `${EVENTS}&trend=1s&after=${idOf(FIRST + 16)}`,
      );
      await world.open(
        "a range as Arrow",
        `${ARROW}&trend=1s&start=${start}&duration=2`,
      );
      await world.pass(2);
    }, { ...LINGER, trendMatch: ".*" }));
});

describe("ranges, byte by byte", () => {
  it("that are in the ring", () =>
    resumes("range_in_the_ring", async (world) => {
      const range = `&start=${gpsOf(FIRST + 20)}&duration=0.25`;
      const events = await world.open("events", EVENTS + range);
      await world.open("Arrow", ARROW + range);
      await world.open(
        "to an end",
        `${EVENTS}&start=${gpsOf(FIRST + 38)}&end=${gpsOf(FIRST + 42)}`,
      );
      const last = idsOf(events).at(-1)!;
      await world.open("when it is over", EVENTS + range, {
        headers: { "last-event-id": last },
      });
    }, LINGER));

  it("from now on, of a duration, and what is left of them at a reconnect", () =>
    resumes("range_from_now", async (world) => {
      const path = `${EVENTS}&duration=0.25`;
      const first = await world.open("first", path);
      await world.open("Arrow", `${ARROW}&duration=0.25`);
      await world.publish(6);
      const ids = idsOf(first);
      for (const id of [ids[1]!, ids.at(-1)!]) {
        await world.open("again", path, { headers: { "last-event-id": id } });
      }
    }, LINGER));

  it("of history, read again from the source, and on into what is live", () =>
    GoldenWorld.play("resumes/history", {}, async (world) => {
      const topic = world.topicOf(B);
      for (const row of [-94, -93]) {
        world.source.lost.add(`${topic} ${FIRST + row}`);
      }
      const start = `&start=${gpsOf(FIRST - 96)}`;
      for (const gaps of ["fill", "skip", "fail"]) {
        await world.open(
          "events",
          `${EVENTS}${start}&duration=0.5&gaps=${gaps}`,
        );
      }
      await world.open("Arrow", `${ARROW}${start}&duration=0.5`);
      await world.open(
        "Arrow gzip",
        `${ARROW}${start}&duration=0.5&coding=gzip`,
      );
      const late = `&start=${gpsOf(FIRST - 4)}`;
      await world.open("into live", EVENTS + late);
      await world.open("Arrow into live", ARROW + late);
      await world.publish(4);
      await world.figures("past", "history", "gaps");
    }));

  it("that the log no longer holds, or cannot read", () =>
    GoldenWorld.play(
      "resumes/history_that_fails",
      { config: { outageWaitMs: 1000 } },
      async (world) => {
        const gone = `&start=${gpsOf(FIRST - 16 * 600 - 4)}&duration=0.5`;
        await world.open("fill", EVENTS + gone);
        await world.open("skip", `${EVENTS}${gone}&gaps=skip`);
        await world.open("fail", `${EVENTS}${gone}&gaps=fail`);
        await world.open("Arrow", ARROW + gone);
        world.source.failures = 2;
        const range = `&start=${gpsOf(FIRST - 96)}&duration=0.25`;
        await world.open("two reads fail", EVENTS + range);
        await world.pass(1);
        world.source.failures = Infinity;
        await world.open("all reads fail", EVENTS + range);
        await world.open("all reads fail, Arrow", ARROW + range);
        await world.pass(6);
      },
    ));
});
