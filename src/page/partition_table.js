// The partitions in the operator's view, as a table.
import { el } from "./dom.js";
import { lagOf } from "./operator_figures.js";

const HEADINGS = [
  "Partition",
  "State",
  "Age",
  "Lag",
  "Lag, last minute",
  "Late",
  "Missed",
  "Bad",
  "Leases",
];
/** One lag a second. */
const LAGS_MAX = 60;

export class PartitionTable {
  element = el("table", {});
  /** Lags of the last minute by partition. @type {Map<string, number[]>} */
  #lags = new Map();

  /** Shows the partitions of a /v1/status. @param {any} status */
  show({ partitions, source }) {
    const topics = new Map(
      source.topics.map((/** @type {any} */ t) => [t.topic, t]),
    );
    const headings = HEADINGS.map((text) =>
      el("th", { scope: "col", textContent: text })
    );
    this.element.replaceChildren(
      el("thead", {}, el("tr", {}, ...headings)),
      el(
        "tbody",
        {},
        ...partitions.map((/** @type {any} */ p) =>
          this.#row(p, topics.get(p.topic))
        ),
      ),
    );
  }

  /**
   * @param {any} partition
   * @param {any} topic
   */
  #row({ topic: name, state, age_s, late, missed, bad, leases }, topic) {
    const lag = topic ? lagOf(topic) : 0;
    const lags = this.#lags.get(name) ?? [];
    lags.push(lag);
    if (lags.length > LAGS_MAX) lags.shift();
    this.#lags.set(name, lags);
    const cells = [
      name,
      topic && topic.state !== "reading" ? topic.state : state,
      age_s === null ? "–" : `${Math.max(0, age_s).toFixed(2)} s`,
      lag.toLocaleString("en"),
      sparkline(lags),
      String(late ?? 0),
      String(missed ?? 0),
      String(bad ?? 0),
      String(leases),
    ];
    return el(
      "tr",
      {},
      ...cells.map((text) => el("td", { textContent: text })),
    );
  }
}

/** @param {number[]} values */
function sparkline(values) {
  const last = values.slice(-20);
  const most = Math.max(...last, 1);
  return last.map((v) => "▁▂▃▄▅▆▇█"[Math.min(7, Math.round(7 * v / most))])
    .join("");
}
