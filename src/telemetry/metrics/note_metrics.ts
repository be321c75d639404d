// Metrics of the notes about channels (--channel-notes); without a file it is valid and has none.
import type { Catalog } from "../../channels/catalog.ts";
import type { Prometheus } from "./prometheus.ts";

export interface NoteParts {
  readonly catalog: Pick<Catalog, "notes">;
}

export function noteMetrics(
  metrics: Prometheus,
  { catalog: { notes } }: NoteParts,
): void {
  metrics.gauge(
    "channel_notes",
    "Notes about channels that are in force",
    () => notes.size,
  );
  metrics.gauge(
    "channel_notes_valid",
    "1 while the newest content of --channel-notes is in force",
    () => notes.figures.isValid ? 1 : 0,
  );
  metrics.counters(
    {
      name: "channel_notes_loads_total",
      help: "Contents of --channel-notes, by outcome",
      label: "outcome",
    },
    () => ({ taken: notes.figures.loads, refused: notes.figures.faults }),
  );
}
