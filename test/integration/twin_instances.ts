// Two brokers whose logs have the same channels, the second one also channels that the reader may not read, and a Qanat
// for each. The reader's requests go to both.
// Invariant: close() ends everything that was started here.
import { Buffer } from "node:buffer";
import http from "node:http";
import { startKafka } from "../../scripts/kafka/broker.ts";
import { newToken } from "../../src/auth/token.ts";
import { tokenWith } from "../auth/auth_world.ts";
import type { ScriptedRequest } from "../auth/twin_worlds.ts";
import { freePort, launchQanat, PARTS, Process } from "./chain.ts";

/** Expression on the names that the reader may read. */
const VISIBLE = "H1:TWN-SEEN_.*";
/** How long a stream without an end is read, ms. */
const CUT_MS = 1500;
/** Two servers of Arrakis start, one after the other. */
const READY_MAX_MS = 180_000;
const ANSWER_MAX_MS = 180_000;
/** Both answer to the same name, as some answers contain it. */
export const HOST = "localhost";

/** What a client has received. */
export interface Answer {
  readonly status: number;
  /** All headers but `date`, in their order. */
  readonly headers: readonly string[];
  readonly body: Uint8Array;
}

/** A request with its credential. */
export interface Asked extends ScriptedRequest {
  readonly requestId: string;
  /** The headers of the credential. */
  readonly credential: Record<string, string>;
  /** Whether the answer has an end. */
  readonly isBounded: boolean;
}

/** One of the two. */
export interface Twin {
  readonly qanat: Process;
  readonly port: number;
  readonly url: string;
  readonly logFile: string;
}

export interface TwinInstances {
  /** Without and with the channels that the reader may not read. */
  readonly plain: Twin;
  readonly full: Twin;
  readonly visible: readonly string[];
  readonly hidden: readonly string[];
  readonly readerToken: string;
  /** Of an operator who may read everything. */
  readonly insiderToken: string;
  close(): Promise<void>;
}

/** Starts both. */
export async function startTwinInstances(): Promise<TwinInstances> {
  const closers: (() => Promise<unknown>)[] = [];
  const close = async () => {
    for (const closer of closers.splice(0).reverse()) await closer();
  };
  try {
    const directory = await Deno.makeTempDir({ prefix: "qanat-twins-" });
    closers.push(() => Deno.remove(directory, { recursive: true }));
    const addresses: string[] = [];
    for (const name of ["plain", "full"]) {
      const dir = `${directory}/kafka-${name}`;
      const broker = await startKafka({ port: freePort(), dir });
      closers.push(() => broker.stop());
      addresses.push(broker.address);
    }
    const publisher = new Process("twin_publisher.py", PARTS.python.program!, [
      "test/integration/python/twin_publisher.py",
      `--kafka=${addresses}`,
      `--dir=${directory}/publisher`,
    ]);
    closers.push(() => publisher.stop());
    const [line] = await publisher.says(
      /^.*"event": "ready".*$/m,
      READY_MAX_MS,
    );
    const { visible, hidden } = JSON.parse(line);
    const { args, readerToken, insiderToken } = await authFiles(directory);
    const [plain, full] = addresses.map((address, i) => {
      const logFile = `${directory}/${i}.log`;
      const prefix = ["sh", "-c", `exec "$@" 2>>"$0"`, logFile];
      const all = [`--kafka=${address}`, ...args];
      const launched = launchQanat(all, freePort(), prefix);
      closers.push(() => launched.qanat.stop());
      return { ...launched, logFile };
    });
    for (const { qanat, url } of [plain!, full!]) {
      await qanat.answers(`${url}/readyz`);
    }
    return {
      plain: plain!,
      full: full!,
      visible,
      hidden,
      readerToken,
      insiderToken,
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/** A token file, a policy by expressions and a session key; the flags that name them. */
async function authFiles(directory: string) {
  const reader = tokenWith("reader", { read: [] });
  const insider = tokenWith("insider", { read: "all", operate: true });
  const files = {
    tokens: { tokens: [reader.entry, insider.entry] },
    policy: { grants: [{ token: "reader", read: [{ match: VISIBLE }] }] },
  };
  for (const [name, content] of Object.entries(files)) {
    const text = JSON.stringify(content);
    await Deno.writeTextFile(`${directory}/${name}.json`, text);
  }
  const key = newToken();
  await Deno.writeTextFile(`${directory}/session.key`, `${key}\n`);
  return {
    readerToken: reader.token,
    insiderToken: insider.token,
    args: [
      "--auth=tokens",
      `--auth-token-file=${directory}/tokens.json`,
      `--auth-policy-file=${directory}/policy.json`,
      `--session-key-file=${directory}/session.key`,
      "--log-level=debug",
      `--trend-match=${VISIBLE}`,
      // Pools are shared by all: one that is full shows for every client (docs/security.md).
      "--history-readers-max=64",
      "--address-share-percent=100",
      // Heartbeats follow the clock.
      "--heartbeat-ms=600000",
    ],
  };
}

/** Sends a request and reads its answer; a stream without an end for some time. */
export async function ask(port: number, asked: Asked): Promise<Answer> {
  const { path, method = "GET", headers = {}, body, isBounded } = asked;
  return await new Promise((resolve, reject) => {
    const parts: Buffer[] = [];
    const request = http.request({
      port,
      host: "127.0.0.1",
      path,
      method,
      agent: false,
      headers: {
        host: HOST,
        "x-request-id": asked.requestId,
        ...asked.credential,
        ...headers,
        ...(body === undefined ? {} : {
          "content-length": String(new TextEncoder().encode(body).length),
        }),
      },
    }, (response) => {
      const { statusCode, rawHeaders } = response;
      const done = () => {
        clearTimeout(late);
        resolve({
          status: statusCode!,
          headers: headerLines(rawHeaders),
          body: Buffer.concat(parts),
        });
        request.destroy();
      };
      response.on("data", (part: Buffer) => void parts.push(part));
      response.on("end", done);
      response.on("error", done);
      const isStream = statusCode === 200 && /^\/v1\/(events|arrow)/.test(path);
      if (isStream && !isBounded) setTimeout(done, CUT_MS);
    });
    const late = setTimeout(() => {
      reject(new Error(`no end within ${ANSWER_MAX_MS} ms: ${path}`));
      request.destroy();
    }, ANSWER_MAX_MS);
    request.on("error", reject);
    request.end(body);
  });
}

/** Keeps a stream open until it is aborted. */
export function keep(port: number, path: string, token: string): () => void {
  const request = http.get({
    port,
    host: "127.0.0.1",
    path,
    agent: false,
    headers: { host: HOST, authorization: `Bearer ${token}` },
  }, (response) => void response.on("data", () => {}).on("error", () => {}));
  request.on("error", () => {});
  return () => request.destroy();
}

/** The cookie of a session of a token. */
export async function signIn(port: number, token: string): Promise<string> {
  const answer = await ask(port, {
    path: "/v1/session",
    method: "POST",
    requestId: "sign-in",
    credential: { authorization: `Bearer ${token}` },
    isBounded: true,
  });
  const cookie = answer.headers.map((line) =>
    /^set-cookie: ([^;]+)/i.exec(line)?.[1]
  ).find((value) => value !== undefined);
  if (cookie === undefined) throw new Error(`no cookie: ${answer.status}`);
  return cookie;
}

function headerLines(rawHeaders: readonly string[]): string[] {
  const lines: string[] = [];
  for (let i = 0; i < rawHeaders.length; i += 2) {
    if (rawHeaders[i]!.toLowerCase() === "date") continue;
    lines.push(`${rawHeaders[i]}: ${rawHeaders[i + 1]}`);
  }
  return lines;
}

/** Runs tasks, some at a time. */
export async function atOnce(
  count: number,
  tasks: Iterator<Promise<void>>,
): Promise<void> {
  await Promise.all(Array.from({ length: count }, async () => {
    for (let next = tasks.next(); !next.done; next = tasks.next()) {
      await next.value;
    }
  }));
}
