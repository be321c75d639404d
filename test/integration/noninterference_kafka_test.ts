// A reader learns nothing of channels that it may not read: two Qanats over the logs of two real brokers, one of which has
// such channels, answer the same requests with the same bytes. Left out are the header `date`, and of a live stream the
// rows before the later one of both starts. The ids of requests are the client's own. QANAT_SEED repeats a run.
import assert from "node:assert/strict";
import { after, before, describe, it } from "@std/testing/bdd";
import { canRun } from "../../scripts/optional_parts.ts";
import { hashOf } from "../../src/auth/token.ts";
import { nowGpsNs } from "../../src/blocks/gps_time.ts";
import { scriptedRequest, type ScriptNames } from "../auth/twin_worlds.ts";
import { fuzzSeed } from "../fuzz/random.ts";
import { Random } from "../random.ts";
import { PARTS, say, sleep } from "./chain.ts";
import { isSamePrefix, sameLive } from "./same_streams.ts";
import {
  type Answer,
  ask,
  type Asked,
  atOnce,
  HOST,
  keep,
  signIn,
  startTwinInstances,
  type TwinInstances,
} from "./twin_instances.ts";

const runnable = canRun([PARTS.kafka, PARTS.python, PARTS.curl]);
const REQUESTS = 400;
const REQUESTS_AT_ONCE = 8;
const STRIDE_NS = 62_500_000n;
/** Rows back of requests for what is no longer, or never was, in the page ring. */
const HISTORY_ROWS = 16 * 12;
const RECORDED_MS = 14_000;
/** The beginning of a line of text that has its time. */
const TIME_CHARS = 40;
const decoder = new TextDecoder();

const bearer = (token: string) => ({ authorization: `Bearer ${token}` });

describe(
  "what a principal may not read, with real brokers",
  { ignore: !runnable, skip: !runnable },
  () => {
    const seed = fuzzSeed();
    let twins: TwinInstances;
    let names: ScriptNames;
    /** The session of the reader, which both accept. */
    let cookie: string;
    const closers: (() => void)[] = [];
    /** All that was ever received, for the search for secrets. */
    const received: string[] = [];

    before(async () => {
      twins = await startTwinInstances();
      const { plain, full, visible, hidden, readerToken } = twins;
      names = {
        visible,
        hidden,
        publishers: ["H1TWN", "H1SECRET", "NONE"],
        replays: ["secret", "r1"],
        expressions: [
          ".*",
          "H1:TWN-SEE._.*",
          "H1:TWN-SEEM.*",
          ".*REPLAYED",
          ".*_16_.|.*_64_1",
          "(",
          "",
        ],
      };
      cookie = await signIn(plain.port, readerToken);
      for (const { port } of [plain, full]) {
        closers.push(keep(port, `/v1/events?channels=${visible}`, readerToken));
      }
      await sleep(RECORDED_MS);
    });
    after(async () => {
      for (const close of closers) close();
      await twins?.close();
    });

    function nextRequest(random: Random, i: number): Omit<Asked, "credential"> {
      const trendRow = Number(nowGpsNs() / STRIDE_NS);
      const row = random.once(3) ? trendRow - HISTORY_ROWS : trendRow;
      const { method, ...request } = scriptedRequest(random, names, {
        row,
        trendRow,
        strideNs: STRIDE_NS,
      });
      const isBounded = /[?&](duration|end)=/.test(request.path);
      const packed = isBounded && random.once(3)
        ? { "accept-encoding": "gzip" }
        : {};
      // A new session has a cookie of its own, and one that has ended serves no request any more.
      const isSession = request.path === "/v1/session";
      return {
        ...request,
        ...(method === undefined || isSession ? {} : { method }),
        headers: { ...request.headers, ...packed },
        requestId: `request-${seed}-${i}`,
        isBounded,
      };
    }

    /** Sends a request to both, with the reader's token or with its cookie. */
    async function askBoth(
      request: Omit<Asked, "credential">,
      isSession: boolean,
    ): Promise<[Answer, Answer]> {
      const { plain, full, readerToken } = twins;
      const answers = await Promise.all(
        [plain, full].map(({ port }) =>
          ask(port, {
            ...request,
            credential: isSession ? { cookie } : bearer(readerToken),
          })
        ),
      );
      for (const { headers, body } of answers) {
        received.push(headers.join("\n"), decoder.decode(body));
      }
      return [answers[0]!, answers[1]!];
    }

    /** The newest row may be another one in each process: its shape is compared, and its values where it is the same. */
    function assertSameNewest(a: Answer, b: Answer, about: string): number {
      const others = ({ headers }: Answer) =>
        headers.filter((header) => !header.startsWith("content-length"));
      assert.deepEqual(others(b), others(a), about);
      const [rowA, rowB] = [a, b].map(({ body }) =>
        JSON.parse(decoder.decode(body)) as {
          time: string;
          channels: Record<string, unknown>;
        }
      );
      assert.deepEqual(
        Object.keys(rowB!.channels),
        Object.keys(rowA!.channels),
        about,
      );
      if (rowA!.time === rowB!.time) assert.deepEqual(rowB, rowA, about);
      return 0;
    }

    /** A range that begins now may begin with another row in each process: rows of the same time are compared. */
    function assertSameLines(a: Answer, b: Answer, about: string): number {
      const [linesA, linesB] = [a, b].map(({ body }) =>
        decoder.decode(body).split("\n")
      );
      const byTime = new Map(
        linesA!.map((line) => [line.slice(0, TIME_CHARS), line]),
      );
      for (const line of linesB!) {
        const other = byTime.get(line.slice(0, TIME_CHARS)) ?? line;
        assert.equal(line, other, about);
      }
      return 0;
    }

    /** Each process asks its broker what is available; until it has answered, that is not known. */
    function withoutAvailable({ status, headers, body }: Answer): Answer {
      const text = decoder.decode(body).replace(
        /"available_from_ns":"\d+"/,
        '"available_from_ns":null',
      );
      return {
        status,
        headers: headers.filter((line) => !line.startsWith("content-length")),
        body: new TextEncoder().encode(text),
      };
    }

    /** Fails unless both are the same. The bytes of rows that were compared. */
    function assertSame(
      request: Omit<Asked, "credential">,
      a: Answer,
      b: Answer,
    ) {
      const about = `${request.method ?? "GET"} ${request.path} ${
        request.body ?? ""
      }`;
      assert.equal(b.status, a.status, about);
      if (a.status === 200 && request.path.startsWith("/v1/latest")) {
        return assertSameNewest(a, b, about);
      }
      if (/^\/v1\/channels\/[^?]/.test(request.path)) {
        [a, b] = [withoutAvailable(a), withoutAvailable(b)];
      }
      assert.deepEqual(b.headers, a.headers, about);
      const { path } = request;
      if (path.startsWith("/v1/data") && !/[?&](start|after)=/.test(path)) {
        return assertSameLines(a, b, about);
      }
      const isStream = a.status === 200 &&
        /^\/v1\/(events|arrow)/.test(request.path);
      if (!isStream || request.isBounded) {
        if (isSamePrefix(a.body, b.body) && a.body.length === b.body.length) {
          return isStream ? a.body.length : 0;
        }
        assert.equal(decoder.decode(b.body), decoder.decode(a.body), about);
      }
      if (/[?&]after=/.test(request.path)) {
        if (isSamePrefix(a.body, b.body)) {
          return Math.min(a.body.length, b.body.length);
        }
      } else {
        const same = sameLive(
          a.body,
          b.body,
          request.path.startsWith("/v1/arrow"),
        );
        if (same >= 0) return same;
      }
      assert.fail(
        `${about}\n${decoder.decode(b.body)}\n--- but\n${
          decoder.decode(a.body)
        }`,
      );
    }

    /** Sends the script of a seed to both. */
    async function play(from: Random): Promise<void> {
      const statuses = new Map<number, number>();
      let streams = 0;
      let bytes = 0;
      function* tasks() {
        for (let i = 0; i < REQUESTS; i++) {
          const request = nextRequest(from, i);
          yield askBoth(request, from.once(5)).then(([a, b]) => {
            const compared = assertSame(request, a, b)!;
            bytes += compared;
            if (compared > 0) streams++;
            statuses.set(a.status, (statuses.get(a.status) ?? 0) + 1);
          });
        }
      }
      await atOnce(REQUESTS_AT_ONCE, tasks());
      say(
        `non-interference: ${REQUESTS} requests, ${streams} streams with ${bytes} bytes, statuses ${
          JSON.stringify(Object.fromEntries(statuses))
        }`,
      );
      assert.ok(streams > REQUESTS / 10, `${streams} streams`);
      for (const status of [200, 400, 403, 404]) {
        assert.ok(statuses.has(status));
      }
    }

    it(`changes no byte of ${REQUESTS} answers (seed ${seed})`, async () => {
      await play(new Random(seed));
    });

    it("changes none either while another principal of the instance reads it", async () => {
      const { full, insiderToken } = twins;
      const secret = new Random(seed + 1);
      let isOver = false;
      let asked = 0;
      const insider = Array.from({ length: 3 }, async () => {
        while (!isOver) {
          const swapped = {
            ...names,
            visible: names.hidden,
            hidden: names.visible,
          };
          const row = Number(nowGpsNs() / STRIDE_NS);
          const request = scriptedRequest(secret, swapped, {
            row,
            strideNs: STRIDE_NS,
          });
          await ask(full.port, {
            ...request,
            requestId: `insider-${asked++}`,
            credential: bearer(insiderToken),
            isBounded: /[?&](duration|end)=/.test(request.path),
          });
        }
      });
      // Selections of the reader, and one that has more.
      const all = [...names.visible, ...names.hidden];
      const kept = [names.visible, names.visible.slice(0, 1), all]
        .map((channels) =>
          keep(full.port, `/v1/events?channels=${channels}`, insiderToken)
        );
      try {
        await play(new Random(seed + 2));
      } finally {
        isOver = true;
        for (const close of kept) close();
        await Promise.allSettled(insider);
      }
      await Promise.all(insider);
      assert.ok(asked > 10, `${asked} requests of the insider`);
    });

    it("is not seen by curl and pyarrow either", async () => {
      const { plain, full, readerToken } = twins;
      const start = Number(nowGpsNs() / 1_000_000_000n) - 4;
      const [hidden, visible] = [names.hidden[0], names.visible[0]];
      for (
        const path of [
          "/v1/channels",
          "/v1/channels?match=.*TWN.*&limit=3",
          "/v1/channels/count?match=.*SEEM.*",
          `/v1/channels/${hidden}`,
          `/v1/channels/${visible}`,
          `/v1/events?channels=${hidden}`,
          `/v1/events?match=.*&start=${start}&duration=2`,
          `/v1/arrow?match=.*_64_.&start=${start}&end=${start + 7}`,
          `/v1/events?match=.*&trend=1s&start=${start}&duration=3`,
          `/v1/arrow?channels=${visible}&replay=secret`,
        ]
      ) {
        const [a, b] = await Promise.all(
          [plain, full].map(({ url }) =>
            output(PARTS.curl.program!, [
              ...["-sS", "-i", "--max-time", "180", "-H", `Host: ${HOST}`],
              ...["-H", "X-Request-Id: by-curl"],
              ...["-H", `Authorization: Bearer ${readerToken}`, url + path],
            ])
          ),
        );
        const withoutDate = (text: string) =>
          text.replace(/^date: .*\r\n/im, "");
        assert.equal(withoutDate(b!), withoutDate(a!), path);
        received.push(a!, b!);
      }
      const path = `/v1/arrow?match=.*&start=${start}&end=${start + 6}`;
      const rows = await Promise.all(
        [plain, full].map(({ url }) =>
          output(PARTS.python.program!, [
            "test/integration/python/read_arrow.py",
            url + path,
            "1000",
            readerToken,
          ])
        ),
      );
      assert.equal(rows[1], rows[0]);
      assert.equal(rows[0]!.match(/^{"time"/gm)!.length, 96);
    });

    it("is there for one who may read it, so that this test can fail", async () => {
      const { full, plain, insiderToken } = twins;
      const list = async (port: number) => {
        const { body } = await ask(port, {
          path: "/v1/channels?match=.*SEEM.*",
          requestId: "list",
          credential: bearer(insiderToken),
          isBounded: true,
        });
        return JSON.parse(decoder.decode(body)).channels.length as number;
      };
      assert.ok(await list(full.port) > 0);
      assert.equal(await list(plain.port), 0);
    });

    it("no token, no hash of one and no cookie is in a log, a metric or an answer", async () => {
      const { plain, full, readerToken, insiderToken } = twins;
      for (const { qanat, port, logFile } of [plain, full]) {
        for (const path of ["/metrics", "/v1/status", "/v1/clients"]) {
          const { headers, body } = await ask(port, {
            path,
            requestId: "operator",
            credential: bearer(insiderToken),
            isBounded: true,
          });
          received.push(headers.join("\n"), decoder.decode(body));
        }
        received.push(qanat.output, await Deno.readTextFile(logFile));
      }
      const secrets = [readerToken, insiderToken].flatMap((
        token,
      ) => [token, hashOf(token)]);
      for (const secret of [...secrets, cookie.split("=")[1]!]) {
        const leak = received.find((text) => text.includes(secret));
        assert.equal(leak, undefined);
      }
      assert.ok(
        received.some((text) => text.includes('"event":"')),
        "logs are searched, too",
      );
    });
  },
);

async function output(program: string, args: string[]): Promise<string> {
  const { stdout, stderr, success } = await new Deno.Command(program, {
    args,
    stdin: "null",
    cwd: new URL("../..", import.meta.url),
  }).output();
  assert.ok(success, decoder.decode(stderr));
  return decoder.decode(stdout);
}
