// What a dashboard and the settings of the data source keep.
import type { DataQuery, DataSourceJsonData } from "@grafana/data";

/** Which number of a bin is drawn; `band` draws minimum, mean and maximum. */
export type Statistic = "mean" | "min" | "max" | "band";

export interface QanatQuery extends DataQuery {
  /** Names of channels; may contain variables of the dashboard. */
  channels?: string[];
  /** True: rows continue live after the range, which must end now. @default false */
  isLive?: boolean;
  /** Of bins. @default "mean" */
  statistic?: Statistic;
}

/** The address is Grafana's own field `url`. */
export interface QanatSettings extends DataSourceJsonData {
  /** Samples of each live channel that a panel keeps. @default 60,000 */
  samplesMax?: number;
}

/** Sent to Grafana's server only, which adds it to the requests that it forwards. */
export interface QanatSecrets {
  token?: string;
}

/** Samples of each live channel: an hour at 16 samples per second is 57,600. */
export const SAMPLES_MAX = 60_000;
