// The address holds the view; names and expressions of the finder; what "Copy as" gives.
import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import { textsOf } from "../../src/page/copy_texts.js";
import { expressionOf } from "../../src/page/finder.js";
import {
  emptyView,
  firstView,
  hashOf,
  namesOf,
  PLOTS_MAX,
  viewOf,
} from "../../src/page/view.js";

describe("the address", () => {
  it("holds the whole view and stays readable", () => {
    const views = [
      emptyView(),
      firstView(),
      {
        ...firstView(),
        endS: 1126259462.420123,
        spanS: 0.5,
        time: "gps" as const,
        theme: "dark" as const,
        operator: true,
        saves: true,
        closeUp: null,
      },
      { ...emptyView(), endS: 1126259462, speed: 0.25, wall: true, columns: 4 },
      {
        ...emptyView(),
        plots: [
          {
            kind: "series" as const,
            name: "A,1",
            more: ["B", "C;=2"],
            hidden: ["B"],
            y: { log: true },
          },
          { kind: "series" as const, name: "B" },
        ],
      },
      {
        ...emptyView(),
        saves: false,
        plots: [{ kind: "spectrum" as const, name: "A&B=C,D é" }],
        closeUp: {
          name: "A,1+2",
          names: ["A,1+2", "B&C"],
          ...{ everyS: 1, atS: 0, widthS: 0.2 },
        },
      },
    ];
    for (const view of views) {
      assert.deepEqual(viewOf(`#${hashOf(view)}`), view);
    }
    assert.deepEqual(namesOf(views[4]!), ["A,1", "B", "C;=2"]);
    assert.match(hashOf(firstView()), /^series=H1:GWOSC-4KHZ_R1_WHITENED&/);
  });

  it("of another's making gives a view all the same", () => {
    assert.equal(viewOf(""), null);
    const view = viewOf(
      "#series=A&series=&span=-3&end=x&play=2&theme=pink&closeup=,&columns=5",
    );
    assert.deepEqual(view, {
      ...emptyView(),
      plots: [{ kind: "series", name: "A" }],
    });
    // A field without a number is none, and not 0.
    assert.deepEqual(viewOf("#span=36&end=&a=&b=&columns="), emptyView());
  });

  it("has a limited number of plots", () => {
    const names = Array.from({ length: PLOTS_MAX + 9 }, (_, i) => `A${i}`);
    const pairs = names.map((name) => `${name},B`).join(",");
    for (
      const hash of [
        names.map((name) => `series=${name}`).join("&"),
        `transfer=${pairs}&series=A`,
      ]
    ) {
      const { plots } = viewOf(hash)!;
      assert.equal(plots.length, PLOTS_MAX);
      assert.equal(plots[0]!.name, "A0");
      assert.equal(plots.at(-1)!.name, `A${PLOTS_MAX - 1}`);
    }
  });
});

describe("expressionOf()", () => {
  it("finds words anywhere, in any case, and leaves expressions alone", () => {
    assert.equal(expressionOf("strain"), "(?i).*strain.*");
    assert.equal(expressionOf("h1 sine"), "(?i).*h1.*sine.*");
    assert.equal(expressionOf("a.b"), "(?i).*a\\.b.*");
    assert.equal(expressionOf("H1:.*_16$"), "H1:.*_16$");
  });
});

describe("textsOf()", () => {
  const base = "http://h:1/q/";
  it("asks for what is live, or for exactly the span that is shown", () => {
    const shown = { names: ["H1:A-B", "C D"], fromS: 10.5, toS: 12.000001 };
    const live = textsOf({ ...shown, live: true }, base);
    const past = textsOf({ ...shown, live: false }, base);
    assert.deepEqual(Object.keys(live), [
      "curl",
      "CSV",
      "JavaScript",
      "pandas",
      "pyarrow",
      "polars",
      "DuckDB",
    ]);
    assert.match(
      live.curl!,
      /'http:\/\/h:1\/q\/v1\/events\?channels=H1:A-B,C%20D'/,
    );
    assert.match(
      past.curl!,
      /channels=H1:A-B,C%20D&start=10\.5&end=12\.000001'/,
    );
    const data = "http://h:1/q/v1/data?channels=H1:A-B,C%20D";
    const range = `${data}&start=10.5&end=12.000001`;
    assert.equal(past.CSV, `curl --compressed -o shown.csv '${range}'`);
    assert.equal(
      live.CSV,
      `curl --compressed -o shown.csv '${data}&duration=10'`,
    );
    assert.equal(
      past.pandas,
      `import pandas as pd\n\ntable = pd.read_csv("${range}")\nprint(table)`,
    );
    assert.match(past.JavaScript!, /startNs: 10500000000n/);
    const trend = "10s" as const;
    const bins = textsOf(
      { ...shown, live: true, trend },
      base,
    );
    assert.match(bins.curl!, /events\?channels=H1:A-B,C%20D&trend=10s'/);
    assert.match(
      bins.CSV!,
      /data\?channels=H1:A-B,C%20D&trend=10s&start=10\.5/,
    );
    assert.match(bins.polars!, /&trend=10s&start=10\.5&end=12\.000001"/);
    assert.match(bins.JavaScript!, /\n {2}trend: "10s",\n {2}onRow/);
    assert.match(bins.DuckDB!, /max\("H1:A-B\.max"\) as peak/);
    assert.match(past.polars!, /v1\/arrow\?.*start=10\.5&end=12\.000001/);
  });

  it("has a file and a table of lines for each sample rate, as a line has a sample of each channel", () => {
    const rates = new Map([["A", 16], ["B", 256], ["C", 16]]);
    const shown = {
      names: ["A", "B", "C"],
      live: false,
      fromS: 1,
      toS: 2,
      rateOf: (name: string) => rates.get(name),
    };
    const { CSV, pandas } = textsOf(shown, base);
    const url = (names: string) =>
      `http://h:1/q/v1/data?channels=${names}&start=1&end=2`;
    assert.equal(
      CSV,
      `curl --compressed -o shown.csv '${url("A,C")}'\n` +
        `curl --compressed -o shown_2.csv '${url("B")}'`,
    );
    assert.match(pandas!, /^table = .*A,C.*$\n^print\(table\)$/m);
    assert.match(pandas!, /^table_2 = .*=B&.*$\n^print\(table_2\)$/m);
    const bins = textsOf({ ...shown, trend: "1s" }, base);
    assert.equal(bins.CSV!.match(/curl/g)!.length, 1);
  });
});
