// Requests whose answers have, all together, each status that the API documents.
import { LINE_TYPES } from "../../../src/http/documents/data_parameters.ts";
import { PAGE_FILES } from "../../../src/page/page_files.ts";

export const A = "H1:GWOSC-4KHZ_R1_WHITENED";
/** Index of the first port for operators. */
export const OPERATORS = 6;
export const STREAMS = ["/v1/events", "/v1/arrow", "/v1/data"];
/** Routes that need a selection of channels. */
export const SELECTING = [...STREAMS, "/v1/latest"];
/** A time in the future, GPS ns. */
const FUTURE = "2000000000000000000";

/** A request, and the path in the document that it belongs to. */
export interface Sent {
  readonly template: string;
  readonly method?: string;
  /** The path that is requested. @default the template */
  readonly path?: string;
  readonly init?: RequestInit;
  readonly server?: number;
}

export function json(value: unknown): RequestInit {
  return {
    method: "POST",
    body: JSON.stringify(value),
    headers: { "content-type": "application/json" },
  };
}

/** Requests for each status of each operation, except 431. */
export function* requests(templates: readonly string[]): Iterable<Sent> {
  for (const method of ["GET", "HEAD"]) {
    for (const template of templates) {
      if (template.includes("{") || SELECTING.includes(template)) continue;
      yield { template, method };
    }
    yield { template: "/readyz", method, server: 1 };
    yield { template: "/healthz", method, server: 5 };
    for (const accept of ["*/*", "application/vnd.apache.arrow.stream"]) {
      const init = { headers: { accept } };
      yield { template: "/v1/channels", method, init };
    }
    const nothing = { headers: { accept: "*/*;q=0" } };
    yield { template: "/v1/channels", method, init: nothing };
    yield {
      template: "/v1/latest",
      path: `/v1/latest?channels=${A}`,
      method,
      init: nothing,
    };
    yield {
      template: "/v1/channels",
      path: "/v1/channels?match=(",
      method,
    };
    yield {
      template: "/v1/channels/count",
      path: "/v1/channels/count?min_rate=fast",
      method,
    };
    for (
      const [template, path] of [
        ["/v1/channels", "/v1/channels"],
        ["/v1/channels/count", "/v1/channels/count?min_rate=1"],
        ["/v1/channels/{name}", "/v1/channels/H1:GWOSC-4KHZ_R1_WHITENET"],
        ["/v1/status", "/v1/status"],
        ["/v1/replays", "/v1/replays"],
        ["/v1/latest", `/v1/latest?channels=${A}&match=H1:.*[A-Z]`],
        ["/v1/events", `/v1/events?channels=${A}&match=H1:.*[A-Z]`],
        ["/v1/arrow", `/v1/arrow?channels=${A}&match=H1:.*[A-Z]`],
        ["/v1/data", `/v1/data?channels=${A}&match=H1:.*[A-Z]&duration=1`],
      ] as const
    ) yield { template, path, method, server: 3 };
    yield { template: "/v1/replays", path: "/v1/replays?limit=0", method };
    for (const query of [`channels=${A}`, "match=(", "channels=NONE"]) {
      yield { template: "/v1/latest", path: `/v1/latest?${query}`, method };
    }
    const names = [A, `${A}?replay=`, "NONE", "NONE?match=x"];
    for (const name of names) {
      yield {
        template: "/v1/channels/{name}",
        path: `/v1/channels/${name}`,
        method,
      };
    }
    for (const file of ["start.js", "swagger-ui.css", "licences.txt", "none"]) {
      yield { template: "/docs/{file}", path: `/docs/${file}`, method };
    }
    const html = { headers: { accept: "text/html" } };
    yield { template: "/", method, init: html };
    for (const file of [...PAGE_FILES.keys(), "none"]) {
      yield { template: "/page/{file}", path: `/page/${file}`, method };
    }
    for (const template of STREAMS) {
      const stream = (query: string, more: Partial<Sent> = {}): Sent => ({
        template,
        method,
        path: `${template}?${query}`,
        ...more,
      });
      yield stream(`channels=${A}&duration=0.1`);
      yield stream(
        `channels=${A}&start=1126259462&duration=1&after=${FUTURE}`,
      );
      yield stream(`match=(`);
      yield stream(`channels=NONE`);
      yield stream(`channels=${A}&replay=NONE`);
      for (const name of ["coding=gzip", "encoding=arrow"]) {
        yield stream(`channels=${A}&duration=0.1&${name}`);
      }
      const packs = "application/vnd.apache.arrow.stream;codecs=zstd";
      const accepts = { headers: { accept: packs } };
      yield stream(`channels=${A}&duration=0.1`, { init: accepts });
      const refuses = { headers: { "accept-encoding": "identity;q=0, br" } };
      yield stream(`channels=${A}`, { init: refuses });
      if (method === "HEAD") continue;
      for (const type of Object.keys(LINE_TYPES)) {
        const init = { headers: { accept: type } };
        yield stream(`channels=${A}&duration=0.1`, { init });
      }
      yield stream(`channels=${A}&duration=0.1`, { server: 1 });
      yield stream(`channels=${A}&duration=0.1`, { server: 2 });
    }
  }
  const path = `/v1/latest?channels=${A}`;
  const arrow = {
    headers: { accept: "application/vnd.apache.arrow.stream" },
  };
  yield { template: "/v1/latest", path, init: arrow };
  yield { template: "/v1/latest", path: `${path}&trend=1s` };
  yield { template: "/v1/latest", path, server: 2 };
  for (const template of SELECTING) {
    const post = (value: unknown, server = 0): Sent => ({
      template,
      server,
      init: json(value),
    });
    if (STREAMS.includes(template)) {
      yield post({ channels: [A], duration: 0.1 });
      yield post({
        channels: [A],
        start: 1126259462.5,
        duration: 1,
        after: FUTURE,
      });
      const refusing = json({ channels: [A] });
      const headers = { ...refusing.headers, "accept-encoding": "*;q=0" };
      yield { template, init: { ...refusing, headers } };
    } else {
      yield post({ channels: [A] });
      const { headers, ...rest } = json({ channels: [A] });
      const refusing = { ...headers, accept: "*/*;q=0" };
      yield { template, init: { ...rest, headers: refusing } };
    }
    yield post({ channels: [] });
    yield post({ channels: [A], after: 5 });
    yield post({ channels: ["NONE"] });
    const range = STREAMS.includes(template) ? { duration: 0.1 } : {};
    yield post({ channels: [A], ...range }, 1);
    yield post({ channels: [A], ...range }, 2);
    yield post("x".repeat(4 * 1024 * 1024));
    yield { template, init: { method: "POST", body: "channels=A" } };
    yield {
      template,
      server: 3,
      init: {
        method: "POST",
        body: new ReadableStream({
          start: (body) => body.enqueue(new TextEncoder().encode('{"chan')),
        }),
        headers: { "content-type": "application/json" },
      },
    };
  }
  for (const method of ["POST", "DELETE"]) {
    const session = (headers: Record<string, string>, server = 4): Sent => ({
      template: "/v1/session",
      init: { method, headers },
      server,
    });
    yield session({}, 0);
    yield session({ authorization: "Bearer t-alice" });
    yield session({ "sec-fetch-site": "cross-site" });
    if (method === "DELETE") continue;
    yield session({});
    yield session({ authorization: "Bearer t-member" });
  }
  for (const method of ["GET", "HEAD"]) {
    const path = "/v1/clients";
    const server = OPERATORS;
    yield { template: path, method, server };
    yield { template: path, path: `${path}?limit=x`, method, server };
    yield { template: path, method, server: OPERATORS + 3 };
  }
  for (const server of [0, OPERATORS, OPERATORS + 3]) {
    yield {
      template: "/v1/clients/{id}",
      path: "/v1/clients/0123456789abcdef",
      method: "DELETE",
      server,
    };
  }
  // Once more, with partitions that are read.
  yield { template: "/v1/status" };
}
