// What is on the screen as a command or a program: live while it is live, the same span while it is paused.
// Invariant: each text works as it is pasted, and asks for exactly the channels and the time that are shown.
import { el } from "./dom.js";

/** @typedef {{ names: string[], live: boolean, fromS: number, toS: number, spanS: number, trend?: import("./qanat.d.ts").Trend | null }} Shown trend: bins are shown */

/** Seconds of a live view that a program reads. */
const LIVE_S = 10;

/** The texts by what they are for. @param {Shown} shown @param {string} base @returns {Record<string, string>} */
export function textsOf(shown, base) {
  const { names, live, fromS, toS, trend = null } = shown;
  const list = names.map((n) => encodeURIComponent(n).replaceAll("%3A", ":"))
    .join(",");
  const span = `&start=${gps(fromS)}&end=${gps(toS)}`;
  const times = live ? "" : span;
  // Ten seconds of bins would be few: the span that is shown, live or not.
  const isNew = live && trend === null;
  const what = `channels=${list}${trend ? `&trend=${trend}` : ""}`;
  const events = `${base}v1/events?${what}${times}`;
  const arrow = `${base}v1/arrow?${what}${
    isNew ? `&duration=${LIVE_S}` : span
  }`;
  const bins = trend ? `\n  trend: "${trend}",` : "";
  const first = names[0] ?? "";
  const file = JSON.stringify(arrow);
  const peak = trend ? `max("${first}.max")` : `max(list_max("${first}"))`;
  return {
    curl: `# events, ${
      live ? "until you stop it" : "what is shown"
    }\ncurl -N '${events}'\n\n# an Arrow file, ${
      isNew ? `${LIVE_S} s from now on` : "what is shown"
    }\ncurl -o shown.arrows '${arrow}'`,
    JavaScript: live
      ? `import { openStream } from "${base}qanat.js";\n\nopenStream({\n  channels: ${
        JSON.stringify(names)
      },${bins}\n  onRow: ({ timeNs, channels }) => console.log(timeNs, channels),\n  onGap: ({ fromNs, toNs, reason }) => console.log("gap", fromNs, toNs, reason),\n});`
      : `import { readRange } from "${base}qanat.js";\n\nawait readRange({\n  channels: ${
        JSON.stringify(names)
      },${bins}\n  startNs: ${ns(fromS)}n,\n  endNs: ${
        ns(toS)
      }n,\n  onRow: ({ timeNs, channels }) => console.log(timeNs, channels),\n});`,
    pyarrow:
      `import urllib.request\nimport pyarrow as pa\n\nurl = ${file}\ntable = pa.ipc.open_stream(urllib.request.urlopen(url)).read_all()\nprint(table.schema)\nprint(table.num_rows, "rows")`,
    polars:
      `import io\nimport urllib.request\nimport polars as pl\n\nurl = ${file}\ntable = pl.read_ipc_stream(io.BytesIO(urllib.request.urlopen(url).read()))\nprint(table)`,
    DuckDB:
      `import urllib.request\nimport duckdb\nimport pyarrow as pa\n\nurl = ${file}\nshown = pa.ipc.open_stream(urllib.request.urlopen(url)).read_all()\nprint(duckdb.sql("""\n    select count(*) as rows, min(time) as first, ${peak} as peak\n    from shown\n"""))`,
  };
}

/** GPS seconds with nine decimals at most. @param {number} seconds */
function gps(seconds) {
  return String(Number(seconds.toFixed(6)));
}

/** @param {number} seconds */
function ns(seconds) {
  return String(BigInt(Math.round(seconds * 1e6)) * 1000n);
}

export class CopyAs {
  #dialog;
  #shown;
  #kind = "curl";

  /**
   * @param {HTMLDialogElement} dialog
   * @param {() => Shown} shown
   */
  constructor(dialog, shown) {
    this.#dialog = dialog;
    this.#shown = shown;
  }

  open() {
    const shown = this.#shown();
    const base = new URL("./", location.href.split("#")[0]).href;
    const texts = textsOf(shown, base);
    const code = el("pre", { tabIndex: 0, "aria-label": "Text to copy" });
    const said = el("span", { role: "status" });
    const tabs = el("div", {
      class: "tabs",
      role: "group",
      "aria-label": "Copy as",
    });
    const choose = (/** @type {string} */ kind) => {
      this.#kind = kind;
      code.textContent = texts[kind];
      said.textContent = "";
      for (const tab of tabs.children) {
        tab.setAttribute("aria-pressed", String(tab.textContent === kind));
      }
    };
    for (const kind of Object.keys(texts)) {
      tabs.append(
        el("button", {
          type: "button",
          textContent: kind,
          "aria-pressed": "false",
          onclick: () => choose(kind),
        }),
      );
    }
    const copy = async () => {
      try {
        await navigator.clipboard.writeText(texts[this.#kind]);
        said.textContent = "copied";
      } catch {
        // Without https a browser gives no clipboard: the text is marked, for Ctrl+C.
        getSelection()?.selectAllChildren(code);
        said.textContent = "marked: copy it with Ctrl+C";
      }
    };
    this.#dialog.replaceChildren(
      el(
        "header",
        {},
        el("h2", {
          id: "copy-title",
          textContent: shown.live
            ? "What is live now, as"
            : "What is shown, as",
        }),
        el("button", {
          type: "button",
          class: "icon",
          textContent: "×",
          "aria-label": "Close",
          onclick: () => this.#dialog.close(),
        }),
      ),
      ...(shown.names.length === 0
        ? [el("p", { textContent: "Pick a channel first." })]
        : [
          tabs,
          code,
          el(
            "p",
            {},
            el("button", {
              type: "button",
              class: "primary",
              textContent: "Copy",
              onclick: copy,
            }),
            " ",
            said,
          ),
        ]),
    );
    if (shown.names.length > 0) choose(this.#kind);
    this.#dialog.showModal();
  }
}
