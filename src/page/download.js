// The dialog "Download": the shown span as a file, and each plot as a picture.
import { downloadsOf, fileName } from "./download_files.js";
import { el } from "./dom.js";
import { problemOf } from "./event_stream.js";
import { fullTimeText } from "./clock.js";
import { channelsOf } from "./plot_spec.js";
import { pngOf, svgOf } from "./pictures.js";
import { readRange } from "./qanat.js";

/** @typedef {import("./download_files.js").Download} Download */
/** @typedef {import("./download_files.js").Span & { time: "utc" | "gps", plots: Iterable<import("./plot_card.js").PlotCard>, look: () => import("./time_plot.js").Look }} Shown */

/** A Parquet file is made in memory: more values are left to Arrow, which the server sends as it reads. */
const VALUES_MAX = 12_000_000;
/** The browser reads a file's URL soon after the click. */
const REVOKE_MS = 60_000;

export class DownloadDialog {
  #dialog;
  #get;
  #shown;
  #said = el("p", { role: "status" });
  #wrong = el("p", { class: "wrong", role: "alert" });

  /**
   * @param {HTMLDialogElement} dialog
   * @param {{ get: typeof fetch, shown: () => Shown }} options
   */
  constructor(dialog, { get, shown }) {
    this.#dialog = dialog;
    this.#get = get;
    this.#shown = shown;
  }

  open() {
    const shown = this.#shown();
    const base = new URL("./", location.href.split("#")[0]).href;
    const downloads = downloadsOf(shown, base);
    this.#said.textContent = this.#wrong.textContent = "";
    this.#dialog.replaceChildren(
      el(
        "header",
        {},
        el("h2", { id: "download-title", textContent: "Download" }),
        el("button", {
          type: "button",
          class: "icon",
          textContent: "×",
          "aria-label": "Close",
          onclick: () => this.#dialog.close(),
        }),
      ),
      ...(downloads.length === 0
        ? [el("p", { textContent: "Pick a channel first." })]
        : [
          el("p", { class: "hint", textContent: this.#spanText(shown) }),
          el(
            "p",
            { class: "choice" },
            ...downloads.map((one) => this.#button(one, shown)),
          ),
          this.#said,
          this.#wrong,
          el("h3", { textContent: "Pictures" }),
          el(
            "ul",
            { class: "pictures" },
            ...[...shown.plots].map((card) => this.#pictures(card, shown)),
          ),
        ]),
    );
    this.#dialog.showModal();
  }

  /** @param {Shown} shown */
  #spanText({ channels, fromS, toS, time, trend }) {
    const [from, to] = [fromS, toS].map((s) => fullTimeText(s, time));
    const what = trend ? `bins of ${trend}` : "all samples";
    const count = channels.length === 1
      ? "1 channel"
      : `${channels.length} channels`;
    return `${what} of ${count}, from ${from} to ${to} ${
      time === "utc" ? "UTC" : "GPS"
    }`;
  }

  /**
   * @param {Download} download
   * @param {Shown} shown
   */
  #button(download, shown) {
    return el("button", {
      type: "button",
      textContent: download.label,
      title: download.name,
      onclick: () =>
        this.#attempt(() =>
          download.request
            ? this.#fetched(download, download.request)
            : this.#parquet(download, shown)
        ),
    });
  }

  /**
   * @param {import("./plot_card.js").PlotCard} card
   * @param {Shown} shown
   */
  #pictures(card, { channels, fromS, toS, time, trend, look }) {
    const { kind } = card.spec;
    const names = channelsOf(card.spec);
    const some = channels.filter((c) => names.includes(c.name));
    const all = names.join(", ");
    const title = kind === "series" ? all : `${all}, ${kind}`;
    const button = (/** @type {"png" | "svg"} */ ending) =>
      el("button", {
        type: "button",
        textContent: ending.toUpperCase(),
        "aria-label": `${title} as ${ending.toUpperCase()}`,
        disabled: some.length === 0,
        onclick: () =>
          this.#attempt(async () => {
            const drawn = card.picture();
            const isOfTime = kind === "series" || kind === "spectrogram";
            const frame = {
              title,
              colours: look().colours,
              colour: look().colour,
              time,
              ...(isOfTime ? { fromS, toS } : { fromS: NaN, toS: NaN }),
            };
            const span = { channels: [], fromS, toS, trend };
            const file = fileName(some, span, "csv")
              .replace(/csv$/, ending);
            const blob = ending === "png"
              ? await pngOf(drawn, frame)
              : svgOf(drawn, frame);
            save(blob, kind === "series" ? file : `${kind}_${file}`);
          }),
      });
    return el("li", {}, title, " ", button("png"), " ", button("svg"));
  }

  /** Says what goes wrong. @param {() => Promise<void> | void} act */
  async #attempt(act) {
    this.#wrong.textContent = "";
    try {
      await act();
    } catch (error) {
      this.#said.textContent = "";
      this.#wrong.textContent = /** @type {Error} */ (error).message;
    }
  }

  /**
   * @param {Download} download
   * @param {import("./copy_texts.js").Request} request
   */
  async #fetched({ name }, { url, body }) {
    const stop = new AbortController();
    const response = await this.#get(url, {
      ...(body === null ? {} : {
        method: "POST",
        body,
        headers: { "content-type": "application/json" },
      }),
      signal: stop.signal,
    });
    if (!response.ok) {
      const { detail, error, title } = await problemOf(response);
      throw new Error(
        detail ?? error ?? title ?? `The server answers ${response.status}`,
      );
    }
    if (body !== null) return save(await response.blob(), name);
    // The browser's own download goes to the disk as it comes, with its own progress.
    stop.abort();
    click(url, name);
    this.#said.textContent = `Downloading ${name}`;
  }

  /**
   * @param {Download} download
   * @param {Shown} shown
   */
  async #parquet({ channels, name }, { fromS, toS, trend }) {
    const values = channels.reduce((sum, c) => sum + c.sample_rate, 0) *
      (toS - fromS);
    if (!trend && values > VALUES_MAX) {
      throw new Error(
        `${
          Math.round(values).toLocaleString("en")
        } samples are too many for Parquet, which this page makes in memory (${
          VALUES_MAX.toLocaleString("en")
        }): take Arrow or CSV, or a shorter span`,
      );
    }
    this.#said.textContent = "Reading …";
    const { ParquetFile } = await import("./parquet_file.js");
    const file = new ParquetFile(channels, trend !== null);
    const options = {
      channels: channels.map((c) => ({
        name: c.name,
        sampleRate: c.sample_rate,
      })),
      startNs: BigInt(Math.round(fromS * 1e6)) * 1000n,
      endNs: BigInt(Math.round(toS * 1e6)) * 1000n,
      onRow: (/** @type {any} */ row) => file.putRow(row),
      onGap: (/** @type {import("./qanat.d.ts").Gap} */ gap) =>
        file.addGap(gap),
    };
    const { detail, reason, state } =
      await (trend ? readRange({ ...options, trend }) : readRange(options));
    if (state !== "ended" || reason !== "complete") {
      throw new Error(detail ?? `The server ended with '${reason}'`);
    }
    const blob = new Blob([file.bytes()], {
      type: "application/vnd.apache.parquet",
    });
    save(blob, name);
    this.#said.textContent = `${name}: ${
      file.lines.toLocaleString("en")
    } lines`;
  }
}

/**
 * Lets the browser save a file.
 * @param {Blob} blob
 * @param {string} name
 */
export function save(blob, name) {
  const url = URL.createObjectURL(blob);
  click(url, name);
  setTimeout(() => URL.revokeObjectURL(url), REVOKE_MS);
}

/**
 * @param {string} href
 * @param {string} download
 */
function click(href, download) {
  el("a", { href, download }).click();
}
