// The figures of the operator's view: what is read from /v1/status, and how a value is written.

/** @typedef {{ title: string, unit: "" | "B" | "/s" | "ms" | "%", read: (now: any, before: any, seconds: number) => number }} Figure */

/** @type {Figure[]} */
export const FIGURES = [
  { title: "Clients", unit: "", read: (s) => s.clients },
  { title: "Selections", unit: "", read: (s) => s.selections },
  {
    title: "Frames sent",
    unit: "/s",
    read: (s, b, t) => b === s ? NaN : (s.frames_sent - b.frames_sent) / t,
  },
  {
    title: "Page ring in use",
    unit: "%",
    read: (s) => 100 * s.ring.occupied_bytes / s.ring.capacity_bytes,
  },
  { title: "Slab in use", unit: "B", read: (s) => s.slab.used_bytes },
  {
    title: "Slab reserved",
    unit: "%",
    read: (s) => 100 * s.slab.reserved_bytes / s.slab.budget_bytes,
  },
  { title: "Rows late", unit: "", read: (s) => s.rows_late },
  { title: "Clients refused", unit: "", read: (s) => sumOf(s.clients_refused) },
  { title: "Event loop delay", unit: "ms", read: (s) => s.event_loop_delay_ms },
  {
    title: "Source lag, all partitions",
    unit: "",
    read: (s) =>
      s.source.topics.reduce(
        (/** @type {number} */ sum, /** @type {any} */ t) => sum + lagOf(t),
        0,
      ),
  },
];

/**
 * The clients of each worker, where there are several.
 * @param {{ clients: number, answered: boolean }[] | undefined} workers
 */
export function workersText(workers) {
  if (!workers) return [];
  const each = workers.map(({ clients, answered }) =>
    answered ? clients.toLocaleString("en") : "no answer"
  );
  return [`clients by worker: ${each.join(" | ")}`];
}

/** @param {Record<string, number>} counts */
function sumOf(counts) {
  return Object.values(counts).reduce((sum, count) => sum + count, 0);
}

/** Messages that the reader of a partition is behind. @param {{ position: number, last_stable_offset: number }} topic */
export function lagOf({ position, last_stable_offset }) {
  return position < 0 || last_stable_offset < 0
    ? 0
    : Math.max(0, last_stable_offset - position);
}

/**
 * @param {number} value
 * @param {Figure["unit"]} unit
 */
export function withUnit(value, unit) {
  if (Number.isNaN(value)) return "–";
  if (unit === "B") {
    if (value >= 2 ** 30) return `${(value / 2 ** 30).toFixed(1)} GiB`;
    if (value >= 2 ** 20) return `${(value / 2 ** 20).toFixed(1)} MiB`;
    if (value >= 1024) return `${(value / 1024).toFixed(0)} KiB`;
    return `${Math.round(value)} B`;
  }
  const digits = Math.abs(value) >= 100 || Number.isInteger(value)
    ? 0
    : Math.abs(value) >= 1
    ? 1
    : 2;
  const text = Number(value.toFixed(digits)).toLocaleString("en");
  return unit === "" ? text : unit === "/s" ? `${text}/s` : `${text} ${unit}`;
}
