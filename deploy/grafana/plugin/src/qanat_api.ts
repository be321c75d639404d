// Requests to Qanat, and its refusals as errors that Grafana shows.
// Invariant: only GET, so that a browser sends no header `Origin` to Grafana's own proxy.

/** What the plugin uses of `/v1/channels`. */
export interface Channel {
  readonly name: string;
  readonly sample_rate: number;
  readonly stride_ns: number;
  readonly unit?: string | null;
  readonly description?: string | null;
}

/** A refusal (RFC 9457): its message is what was wrong, and what would be right. */
export class Refusal extends Error {
  readonly status: number;
  readonly code: string;
  /** [ms]; null where the answer names no time. */
  readonly retryAfterMs: number | null;

  constructor(
    message: string,
    { status, code, retryAfterMs }: {
      status: number;
      code: string;
      retryAfterMs: number | null;
    },
  ) {
    super(message);
    this.name = "Refusal";
    this.status = status;
    this.code = code;
    this.retryAfterMs = retryAfterMs;
  }
}

/** Characters of an answer that is no problem document, such as a proxy's page. */
const ANSWER_CHARS_MAX = 200;
const CHANNELS_MAX = 50;

export type Parameters = Readonly<Record<string, string>>;

export class QanatApi {
  readonly #base: string;

  /** `base`: the address of Qanat, or of Grafana's proxy to it. */
  constructor(base: string) {
    this.#base = base.replace(/\/+$/, "");
  }

  /** Throws a {@linkcode Refusal}, or an error that says that nothing answered. */
  async get(
    path: string,
    parameters: Parameters = {},
    signal?: AbortSignal,
    accept = "application/json",
  ): Promise<Response> {
    const query = new URLSearchParams(parameters).toString();
    const url = `${this.#base}${path}${query === "" ? "" : `?${query}`}`;
    let response: Response;
    try {
      response = await fetch(url, {
        headers: { accept },
        ...(signal === undefined ? {} : { signal }),
      });
    } catch (error) {
      if (signal?.aborted) throw error;
      throw new Error(
        "Qanat does not answer, or the browser may not read its answer: check the URL; with the access mode Browser, Qanat needs --cors-origin with the origin of this page",
      );
    }
    if (!response.ok) throw await refusalOf(response);
    return response;
  }

  async json<T>(
    path: string,
    parameters: Parameters = {},
    signal?: AbortSignal,
  ): Promise<T> {
    const response = await this.get(path, parameters, signal);
    try {
      return await response.json() as T;
    } catch (error) {
      if (signal?.aborted) throw error;
      throw new Error(`${path} is no JSON: the URL is not that of Qanat`);
    }
  }

  /** Channels whose name contains a text, in upper or lower case; the first 50 by name. */
  async search(text: string): Promise<Channel[]> {
    const match = `(?i).*${text.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&")}`;
    const { channels } = await this.json<{ channels: Channel[] }>(
      "/v1/channels",
      { match, limit: String(CHANNELS_MAX) },
    );
    return channels;
  }

  /** One channel, with its unit and description. */
  channel(name: string, signal?: AbortSignal): Promise<Channel> {
    return this.json(`/v1/channels/${encodeURIComponent(name)}`, {}, signal);
  }
}

async function refusalOf(response: Response): Promise<Refusal> {
  const { status } = response;
  const seconds = response.headers.get("retry-after") ?? "";
  const retryAfterMs = /^\d+$/.test(seconds) ? 1000 * Number(seconds) : null;
  const text = await response.text().catch(() => "");
  const problem = problemOf(text);
  if (problem !== null) {
    const { title, detail, code = "" } = problem;
    const message = detail === undefined ? title : `${title}: ${detail}`;
    return new Refusal(message, { status, code, retryAfterMs });
  }
  const start = text.trim().slice(0, ANSWER_CHARS_MAX);
  return new Refusal(
    `Status ${status}, not from Qanat${start === "" ? "" : `: ${start}`}`,
    { status, code: "", retryAfterMs },
  );
}

/** Null where the text is no problem document: a connection may break within one. */
function problemOf(
  text: string,
): { title: string; detail?: string; code?: string } | null {
  try {
    const problem = JSON.parse(text);
    return typeof problem?.title === "string" ? problem : null;
  } catch {
    return null;
  }
}
