// Layouts: what they keep of a view, the store in the browser with its limits and refusals, and the file.
import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import {
  aboutLayout,
  checkedName,
  layoutText,
  NAME_MAX,
  VIEW_MAX,
  viewOfLayout,
  wrongOfView,
} from "../../src/page/layout.js";
import {
  FILE_BYTES_MAX,
  fileNameOf,
  fileOf,
  layoutsOf,
  readFile,
} from "../../src/page/layout_file.js";
import { COUNT_MAX, LayoutStore } from "../../src/page/layout_store.js";
import { emptyView, firstView, hashOf } from "../../src/page/view.js";

const VIEW = "series=H1:A&series=L1:B;y=log&span=36&columns=2";

/** localStorage of a browser; `rooms` characters fit. */
class Entries {
  readonly map = new Map<string, string>();
  constructor(readonly rooms = Infinity) {}
  get length(): number {
    return this.map.size;
  }
  key(i: number): string | null {
    return [...this.map.keys()][i] ?? null;
  }
  getItem(key: string): string | null {
    return this.map.get(key) ?? null;
  }
  setItem(key: string, text: string): void {
    let size = text.length;
    for (const [other, { length }] of this.map) {
      if (other !== key) size += length;
    }
    if (size > this.rooms) {
      throw new DOMException("it is full", "QuotaExceededError");
    }
    this.map.set(key, text);
  }
  removeItem(key: string): void {
    this.map.delete(key);
  }
}

describe("a layout", () => {
  const view = {
    ...firstView(),
    spanS: 8,
    columns: 3,
    endS: 1126259462.4,
    speed: 2,
    cursors: [1126259460, null] as const,
    theme: "dark" as const,
    time: "gps" as const,
    saves: true,
    wall: true,
  };

  it("keeps plots, options and span, and the time only if the user chooses so", () => {
    const live = layoutText(view, null);
    assert.equal(
      live,
      hashOf({ ...firstView(), spanS: 8, columns: 3 }),
    );
    const kept = layoutText(view, 1126259462.4);
    assert.equal(
      kept,
      live.replace("&closeup", "&end=1126259462.4&closeup") + "&a=1126259460",
    );
  });

  it("leaves the user's own choices as they are", () => {
    const shown = viewOfLayout(view, `${VIEW}&theme=light&save=0`);
    const { theme, time, saves, wall } = view;
    assert.deepEqual(
      shown,
      {
        ...emptyView(),
        ...{ theme, time, saves, wall, columns: 2 },
        plots: [
          { kind: "series", name: "H1:A" },
          { kind: "series", name: "L1:B", y: { log: true } },
        ],
      },
    );
  });

  it("says what it has", () => {
    assert.equal(aboutLayout(VIEW), "2 plots · 2 columns · 36 s");
    assert.equal(
      aboutLayout("series=A&span=7200&end=1126259462"),
      "1 plot · 2 h · paused at 2015-09-14 09:50:45 UTC",
    );
  });

  it("has a name that can be shown, and a view that is an address", () => {
    assert.deepEqual(checkedName("  <b>H1 é</b> "), {
      name: "<b>H1 é</b>",
      wrong: "",
    });
    for (const name of ["", "  ", "a\nb", "x".repeat(NAME_MAX + 1), 7, null]) {
      assert.notEqual(checkedName(name).wrong, "", String(name));
    }
    assert.equal(wrongOfView(VIEW), "");
    const long = "series=A&".repeat(VIEW_MAX / 8);
    for (const text of ["", "javascript:alert(1)", long, undefined, {}]) {
      assert.notEqual(wrongOfView(text), "", String(text).slice(0, 40));
    }
  });
});

describe("LayoutStore", () => {
  const storeOf = (entries: Entries) => new LayoutStore(() => entries, "/");

  it("saves, replaces, renames and removes, in the order of names", () => {
    const store = storeOf(new Entries());
    for (const name of ["b", "a 10", "a 9"]) {
      assert.equal(store.put({ name, view: VIEW }), "");
    }
    const { layouts } = store.list();
    assert.deepEqual(layouts.map(({ name }) => name), ["a 9", "a 10", "b"]);
    const [first, second] = layouts;
    assert.equal(store.put({ name: "z", view: "span=2" }, first!.id), "");
    assert.equal(store.remove(second!.id), "");
    assert.deepEqual(
      store.list().layouts.map(({ name, view }) => [name, view]),
      [["b", VIEW], ["z", "span=2"]],
    );
  });

  it("loses nothing when two tabs save at the same time, even under one name", () => {
    const entries = new Entries();
    const [one, other] = [storeOf(entries), storeOf(entries)];
    assert.deepEqual([one.list().layouts, other.list().layouts], [[], []]);
    one.put({ name: "mine", view: "span=1" });
    other.put({ name: "yours", view: "span=2" });
    one.put({ name: "same", view: "span=3" });
    other.put({ name: "same", view: "span=4" });
    const views = one.list().layouts.map(({ view }) => view);
    assert.deepEqual(views.sort(), ["span=1", "span=2", "span=3", "span=4"]);
    assert.deepEqual(other.list(), one.list());
  });

  it("keeps the layouts of another path, and entries of others, apart", () => {
    const entries = new Entries();
    entries.setItem("qanat-layout /x", "not ours");
    new LayoutStore(() => entries, "/data/").put({ name: "a", view: VIEW });
    const { layouts, broken } = storeOf(entries).list();
    assert.deepEqual([layouts, broken], [[], []]);
  });

  it("has limits for their number and size, and replaces at the limit", () => {
    const store = storeOf(new Entries());
    for (let i = 0; i < COUNT_MAX; i++) store.put({ name: `${i}`, view: VIEW });
    const more = { name: "more", view: VIEW };
    assert.match(store.put(more), /^100 layouts are saved/);
    assert.equal(store.put(more, store.list().layouts[0]!.id), "");
    const wide = storeOf(new Entries());
    const view = `${"series=A&".repeat(3500)}span=36`;
    let wrong = "";
    let count = 0;
    while (wrong === "") wrong = wide.put({ name: `${count++}`, view });
    assert.match(wrong, /have 1,000,000 characters at most/);
    assert.ok(count > 25 && count < 40, `${count}`);
  });

  it("says that the browser has no room or refuses, and changes nothing", () => {
    const full = storeOf(new Entries(100));
    assert.equal(full.put({ name: "a", view: VIEW }), "");
    assert.match(full.put({ name: "b", view: VIEW }), /no room left/);
    assert.equal(full.list().layouts.length, 1);
    for (
      const storage of [() => null, () => {
        throw new DOMException("blocked", "SecurityError");
      }]
    ) {
      const store = new LayoutStore(storage, "/");
      assert.match(store.list().wrong, /does not let the page keep anything/);
      assert.match(store.put({ name: "a", view: VIEW }), /save the layout as/);
      assert.match(store.remove("x"), /does not let/);
    }
  });

  it("leaves out what is no layout, and can remove it", () => {
    const entries = new Entries();
    const store = storeOf(entries);
    store.put({ name: "good", view: VIEW });
    const prefix = [...entries.map.keys()][0]!.slice(0, -16);
    for (
      const [i, text] of [
        "{",
        "null",
        "7",
        '{"name":"x"}',
        '{"name":"","view":"span=1"}',
      ]
        .entries()
    ) entries.setItem(`${prefix}"] ${i}`, text);
    const { layouts, broken } = store.list();
    assert.deepEqual([layouts.length, broken.length], [1, 5]);
    for (const id of broken) assert.equal(store.remove(id), "");
    assert.deepEqual(store.list().broken, []);
  });
});

describe("a file of layouts", () => {
  const layouts = [
    { name: "Overview", view: VIEW },
    { name: "<img src=x>", view: "span=2" },
  ];
  const withText = (fields: object) =>
    JSON.stringify({ qanat_layouts: 1, layouts, ...fields });

  it("gives the same layouts when it is opened", () => {
    assert.deepEqual(layoutsOf(fileOf(layouts)), { layouts, wrong: "" });
  });

  it("has a name that every system takes", () => {
    const nameOf = (name: string) => fileNameOf([{ name, view: VIEW }]);
    assert.equal(nameOf("H1 / L1: é"), "qanat-layout-H1-L1-é.json");
    assert.equal(nameOf("../.."), "qanat-layout-view.json");
    assert.equal(fileNameOf(layouts), "qanat-layouts.json");
  });

  it("says what is wrong with it", () => {
    for (
      const [text, wrong] of [
        ["<html>", /^it is not JSON$/],
        ["null", /not a file of layouts/],
        ["[]", /not a file of layouts/],
        [
          withText({ qanat_layouts: 2 }),
          /version 2; this page reads version 1/,
        ],
        [
          withText({ qanat_layouts: "x".repeat(99) }),
          /^it has version "x{39};/,
        ],
        [withText({ layouts: {} }), /not a list of 1 to 100 layouts/],
        [withText({ layouts: [] }), /not a list of 1 to 100 layouts/],
        [withText({ layouts: Array(101).fill(layouts[0]) }), /1 to 100/],
        [withText({ layouts: [null] }), /"name" of layout 1: A name is text/],
        [
          withText({ layouts: [layouts[0], { name: "b", view: "x" }] }),
          /"view" of layout 2 \("b"\): it is an address without the '#'/,
        ],
      ] as const
    ) {
      const read = layoutsOf(text);
      assert.match(read.wrong, wrong);
      assert.deepEqual(read.layouts, []);
    }
  });

  it("is not read where it is too large, or gone", async () => {
    const file = new File([fileOf(layouts)], "a.json");
    assert.deepEqual(await readFile(file), { layouts, wrong: "" });
    const large = new File([new Uint8Array(FILE_BYTES_MAX + 1)], "a.json");
    assert.match((await readFile(large)).wrong, /has 2,000,000 at most/);
    Object.assign(file, { text: () => Promise.reject(new Error("gone")) });
    assert.equal((await readFile(file)).wrong, "gone");
  });
});
