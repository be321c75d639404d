// Figures that were gathered while a worker ended: it is counted once.
import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import { gatheredFigures } from "../../src/group/gathered_figures.ts";
import { LastFigures } from "../../src/group/last_figures.ts";
import {
  type Figure,
  figuresText,
  processFigures,
  totalOf,
} from "../../src/telemetry/metrics/figures.ts";

const NAME = "frames_sent_total";
const OWN = 100;

function live(life: number, value: number): string {
  const figure: Figure = {
    name: `qanat_${NAME}`,
    help: "",
    type: "counter",
    values: [{ labels: {}, value }],
  };
  return figuresText({ life, figures: [figure] });
}

/** The total that worker 0 shows. `known`: what the reading thread knew when it answered, and knows when it is asked again. */
async function shown(
  answer: string | null,
  known: readonly [LastFigures, LastFigures],
): Promise<number> {
  const [before, after] = known;
  const reading = figuresText({ figures: [], ended: before.ended() });
  const gathered = await gatheredFigures({
    worker: 0,
    own: live(1, OWN),
    answers: {
      answers: [
        { thread: -1, body: reading },
        ...answer === null ? [] : [{ thread: 1, body: answer }],
      ],
      missing: answer === null ? [1] : [],
    },
    member: {
      askReading: () =>
        Promise.resolve(figuresText({
          1: { last: after.last(1), ended: after.endedOf(1) },
        })),
    },
  });
  const { reading: own, workers } = gathered!;
  return totalOf(processFigures(own, workers), NAME) - OWN;
}

/** Knows the last figures of worker 1, which has ended so often. */
function known(text: string, ends = 0): LastFigures {
  const last = new LastFigures();
  last.set(1, text);
  for (let i = 0; i < ends; i++) last.end(1);
  return last;
}

describe("figures of a worker that ends while it is asked", () => {
  const text = live(1, 7);

  it("count once if it has answered", async () => {
    assert.equal(await shown(text, [known(text), known(text, 1)]), 7);
  });

  it("count once if the reading thread already knows its end", async () => {
    assert.equal(await shown(text, [known(text, 1), known(text, 1)]), 7);
  });

  it("count if it has not answered, and the reading thread learned of its end later", async () => {
    assert.equal(await shown(null, [known(text), known(text, 1)]), 7);
  });

  it("count if it hangs", async () => {
    assert.equal(await shown(null, [known(text), known(text)]), 7);
  });

  it("count together with those of its successor", async () => {
    const both = known(text, 1);
    assert.equal(await shown(live(2, 3), [both, both]), 10);
  });
});

describe("figures without those of the reading thread", () => {
  const gather = (
    answers: readonly { thread: number; body: string }[],
    missing: readonly number[],
  ) =>
    gatheredFigures({
      worker: 0,
      own: live(1, OWN),
      answers: { answers, missing },
      member: { askReading: () => Promise.resolve(null) },
    });
  const reading = { thread: -1, body: figuresText({ figures: [], ended: {} }) };

  it("are none, since counters would fall (10,500 became 1,000)", async () => {
    assert.equal(await gather([], [-1]), null);
    assert.equal(await gather([{ thread: 1, body: live(1, 7) }], [-1]), null);
  });

  it("are none if it does not say what a worker had that is silent", async () => {
    assert.equal(await gather([reading], [1]), null);
    assert.notEqual(await gather([reading], []), null);
  });
});
