// Units of spectral densities.

/** @param {string | null | undefined} unit */
function whole(unit) {
  return unit && /[\s/·*^-]/.test(unit) ? `(${unit})` : unit;
}

/** The unit of an amplitude spectral density; a channel without a noted unit counts as a number. @param {import("./channel_note.js").Noted} channel */
export function amplitudeUnit({ unit }) {
  return `${whole(unit) ?? "1"}/√Hz`;
}

/** The unit of a power spectral density. @param {import("./channel_note.js").Noted} channel */
export function powerUnit({ unit }) {
  return unit ? `${whole(unit)}²/Hz` : "1/Hz";
}

/**
 * The unit of a transfer function from one channel to another; empty where it has none.
 * @param {import("./channel_note.js").Noted} from
 * @param {import("./channel_note.js").Noted} to
 */
export function ratioUnit(from, to) {
  if (from.unit === to.unit || (!from.unit && !to.unit)) return "";
  return `${whole(to.unit) ?? "1"}/${whole(from.unit) ?? "1"}`;
}
