// The data source: ranges as samples or bins of trends, and rows that continue live.
// Invariant: a panel that is closed leaves no request open; each answer has the key of its query, so Grafana replaces it.
import {
  type DataQueryRequest,
  type DataQueryResponse,
  DataSourceApi,
  type DataSourceInstanceSettings,
  LoadingState,
  type MetricFindValue,
  type ScopedVars,
} from "@grafana/data";
import { getTemplateSrv } from "@grafana/runtime";
import { merge, Observable } from "rxjs";
import { Ended, readEvents } from "./event_stream.js";
import { PanelData } from "./panel_data.js";
import { type Channel, QanatApi, Refusal } from "./qanat_api.js";
import {
  detailOfLive,
  detailOfRange,
  eventParameters,
  RANGE_SAMPLES_MAX,
} from "./request.js";
import { Retries } from "./retries.js";
import { type QanatQuery, type QanatSettings, SAMPLES_MAX } from "./types.js";

/** Attempts after the first to read a range, where each brings nothing: then the panel shows why. */
const RANGE_FAILURES_MAX = 3;
/** Between two pictures of a live panel. */
const SHOW_MS = 250;
const POINTS_DEFAULT = 1000;

interface Asked {
  readonly target: QanatQuery;
  readonly names: readonly string[];
  readonly fromMs: number;
  readonly toMs: number;
  readonly pointsMax: number;
}

type Show = (response: DataQueryResponse) => void;

export class QanatDataSource extends DataSourceApi<QanatQuery, QanatSettings> {
  readonly api: QanatApi;
  readonly #samplesMax: number;

  constructor(settings: DataSourceInstanceSettings<QanatSettings>) {
    super(settings);
    this.api = new QanatApi(settings.url ?? "");
    this.#samplesMax = settings.jsonData.samplesMax || SAMPLES_MAX;
  }

  override getDefaultQuery(): Partial<QanatQuery> {
    return { channels: [], isLive: false, statistic: "mean" };
  }

  override filterQuery({ channels, hide }: QanatQuery): boolean {
    return !hide && (channels?.length ?? 0) > 0;
  }

  /** Each query is answered by itself, so that one that is refused does not stop the others. */
  override query(
    request: DataQueryRequest<QanatQuery>,
  ): Observable<DataQueryResponse> {
    const targets = request.targets.filter((target) =>
      this.filterQuery(target)
    );
    return merge(...targets.map((target) => {
      const asked: Asked = {
        target,
        names: namesOf(target, request.scopedVars),
        fromMs: request.range.from.valueOf(),
        toMs: request.range.to.valueOf(),
        pointsMax: request.maxDataPoints ?? POINTS_DEFAULT,
      };
      return this.#answer(asked);
    }));
  }

  /** Values of a dashboard's variable: the channels whose name contains this text. */
  override async metricFindQuery(text: unknown): Promise<MetricFindValue[]> {
    const channels = await this.api.search(
      typeof text === "string" ? text : "",
    );
    return channels.map(({ name }) => ({ text: name }));
  }

  /** Whether the URL, the token and the version are right: says what is wrong otherwise. */
  override async testDatasource() {
    try {
      const { version, api } = await this.api.json<
        { version?: string; api?: string }
      >("/v1/version");
      if (version === undefined || api !== "v1") {
        return failure(
          "The URL answers, and not as Qanat with its API v1 does",
        );
      }
      const { count } = await this.api.json<{ count: number }>(
        "/v1/channels/count",
      );
      return {
        status: "success",
        message: `Qanat ${version} answers and has ${count} channels`,
      };
    } catch (error) {
      const { status, message } = error as Refusal;
      if (status === 404) {
        return failure(
          "There is no Qanat 0.2 or later at this URL (nothing at /v1/version); the URL has neither /v1 nor a slash at its end",
        );
      }
      if (status === 401) return failure(`Check the token. ${message}`);
      return failure(message);
    }
  }

  #answer(asked: Asked): Observable<DataQueryResponse> {
    return new Observable((subscriber) => {
      const closing = new AbortController();
      const { signal } = closing;
      const { refId } = asked.target;
      const show: Show = (response) => {
        if (!signal.aborted) {
          subscriber.next({ ...response, key: `qanat-${refId}` });
        }
      };
      this.#read(asked, signal, show).catch((error) => {
        const { message, status } = error as Refusal;
        show(errorOf(refId, { message, ...(status ? { status } : {}) }));
      }).finally(() => subscriber.complete());
      return () => closing.abort();
    });
  }

  async #read(asked: Asked, signal: AbortSignal, show: Show): Promise<void> {
    const { names, target } = asked;
    if (!target.isLive) {
      const channels = await this.#channels(names, signal);
      return await this.#range(asked, channels, signal, show);
    }
    const retries = new Retries(signal);
    while (!signal.aborted) {
      try {
        const channels = await this.#channels(names, signal);
        return await this.#live(asked, channels, signal, show);
      } catch (error) {
        if (signal.aborted || error instanceof Ended) throw error;
        // A display on a wall that was opened before Qanat was there shows data once it is.
        await retries.next(
          error as Error,
          (message) => show(errorOf(target.refId, { message })),
        );
      }
    }
  }

  #channels(names: readonly string[], signal: AbortSignal) {
    return Promise.all(names.map((name) => this.api.channel(name, signal)));
  }

  /** Each channel by itself: of rates that differ, some are drawn as samples and others as bins. */
  async #range(
    { target, fromMs, toMs, pointsMax }: Asked,
    channels: readonly Channel[],
    signal: AbortSignal,
    show: Show,
  ): Promise<void> {
    const seconds = (toMs - fromMs) / 1000;
    const frames = await Promise.all(channels.map(async (channel) => {
      const detail = detailOfRange(channel, seconds, pointsMax);
      const data = new PanelData(target.refId, [channel], {
        isTrend: detail !== null,
        statistic: target.statistic ?? "mean",
        pointsMax: RANGE_SAMPLES_MAX,
      });
      const range = { fromMs, toMs, nowMs: Date.now() };
      const parameters = eventParameters([channel.name], detail, range);
      if (parameters === null) return data.frames();
      await readEvents(this.api, parameters, signal, {
        onEvents: (events) => events.forEach((event) => data.take(event)),
        onTrouble: () => {},
      }, RANGE_FAILURES_MAX);
      return data.frames();
    }));
    show({ data: frames.flat(), state: LoadingState.Done });
  }

  async #live(
    { target, names, fromMs, toMs }: Asked,
    channels: readonly Channel[],
    signal: AbortSignal,
    show: Show,
  ): Promise<void> {
    const pointsMax = this.#samplesMax;
    const detail = detailOfLive(channels, (toMs - fromMs) / 1000, pointsMax);
    const data = new PanelData(target.refId, channels, {
      isTrend: detail !== null,
      statistic: target.statistic ?? "mean",
      pointsMax,
    });
    let timer: ReturnType<typeof setTimeout> | undefined;
    const showNow = (state: LoadingState) => {
      clearTimeout(timer);
      timer = undefined;
      show({ data: data.frames(), state });
    };
    const showSoon = () => {
      timer ??= setTimeout(() => showNow(LoadingState.Streaming), SHOW_MS);
    };
    try {
      const range = { fromMs, toMs: null, nowMs: Date.now() };
      const parameters = eventParameters(names, detail, range)!;
      await readEvents(this.api, parameters, signal, {
        onEvents: (events) => {
          data.trouble = null;
          events.forEach((event) => data.take(event));
          showSoon();
        },
        onTrouble: (why) => {
          data.trouble = why;
          showSoon();
        },
      });
      showNow(LoadingState.Done);
    } finally {
      clearTimeout(timer);
    }
  }
}

/** Names of channels; a variable with several values stands for several. */
function namesOf(target: QanatQuery, scopedVars: ScopedVars): string[] {
  const names = (target.channels ?? []).flatMap((name) =>
    getTemplateSrv().replace(name, scopedVars, "csv").split(",")
  );
  return [...new Set(names.map((name) => name.trim()).filter(Boolean))];
}

function errorOf(
  refId: string,
  error: { message: string; status?: number },
): DataQueryResponse {
  return {
    data: [],
    state: LoadingState.Error,
    errors: [{ refId, ...error }],
  };
}

function failure(message: string) {
  return { status: "error", message };
}
