// A stream of /qanat.js against a server that is played: answers that a test has written, and pauses that end at once.
import { withToken } from "../../src/page/bearer.js";
import { EventStream } from "../../src/page/event_stream.js";
import type { Gap, Row, StreamState } from "../../src/page/qanat.d.ts";

export const HELLO =
  `retry: 1\nevent: hello\ndata: {"version":1,"encoding":"json","stride_ns":1000000000,"channels":[{"name":"A","data_type":"float32","sample_rate":2}]}\n\n`;

/** The row of a second, with its samples as JSON. */
export const row = (second: number, samples = "[1,2]") =>
  `id: ${
    second + 1
  }000000000\ndata: {"time":"${second}000000000","channels":{"A":${samples}}}\n\n`;

export interface Played {
  readonly rows: Row[];
  readonly gaps: Gap[];
  readonly states: StreamState[];
  readonly sent: { readonly url: string; readonly token: string | null }[];
}

/** Plays answers one after the other until the stream has ended or was refused. */
export async function play(
  answers: (() => Response)[],
  options: {
    readonly random?: () => number;
    readonly token?: () => string | Promise<string>;
    readonly renewsCredential?: boolean;
    /** Whether each pause ends at once, instead of after its time. @default true */
    readonly endsPauses?: boolean;
  } = {},
): Promise<Played> {
  const played: Played = { rows: [], gaps: [], states: [], sent: [] };
  const fetched: typeof fetch = (url, init) => {
    const token = new Headers(init?.headers).get("authorization");
    played.sent.push({ url: String(url), token });
    const answer = answers.shift();
    return Promise.resolve(answer?.() ?? new Response(null, { status: 204 }));
  };
  const { random = () => 0, token, endsPauses = true } = options;
  await new Promise<void>((resolve) => {
    const stream = new EventStream({
      base: "http://h/",
      query: { channels: ["A"] },
      random,
      fetch: token ? withToken(fetched, token) : fetched,
      renewsCredential: options.renewsCredential ?? token !== undefined,
      onRow: (one) => void played.rows.push(one),
      onGap: (gap) => void played.gaps.push(gap),
      onState: (state) => {
        played.states.push(state);
        // The pause begins right after it was reported.
        if (state.state === "waiting" && endsPauses) {
          queueMicrotask(() => stream.retryNow());
        }
        if (state.state === "ended" || state.state === "refused") resolve();
      },
    });
  });
  return played;
}
