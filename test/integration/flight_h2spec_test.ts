// h2spec against the Flight port: the rules of HTTP/2 that are broken are those of the list, and no others.
import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import { canRun } from "../../scripts/optional_parts.ts";
import { freePort, launchQanat, PARTS, Process, say } from "./chain.ts";

const runnable = canRun([PARTS.h2spec]);

/** Why a case fails, by its section and title. All are the library's (Deno 2.9.6), except the first two. */
const KNOWN: Readonly<Record<string, string>> = {
  "generic/2: Sends a WINDOW_UPDATE frame on half-closed (remote) stream":
    "a refused call of gRPC is answered with headers alone; it expects a body",
  "generic/2: Sends a PRIORITY frame on half-closed (remote) stream":
    "the same",
  "http2/5.1: closed: Sends a DATA frame after sending RST_STREAM frame":
    "a frame of a closed stream is ignored",
  "http2/5.1: closed: Sends a HEADERS frame after sending RST_STREAM frame":
    "a frame of a closed stream is ignored",
  "http2/5.1: closed: Sends a DATA frame":
    "a frame of a closed stream is ignored",
  "http2/5.1: closed: Sends a HEADERS frame":
    "a frame of a closed stream is ignored",
  "http2/5.1.1: Sends stream identifier that is numerically smaller than previous":
    "such a frame is ignored",
  "http2/5.3.1: Sends PRIORITY frame that depend on itself":
    "priorities are ignored, as RFC 9113 allows",
  "http2/6.3: Sends a PRIORITY frame with 0x0 stream identifier":
    "priorities are ignored, as RFC 9113 allows",
  "http2/6.9.1: Sends multiple WINDOW_UPDATE frames increasing the flow control window to above 2^31-1 on a stream":
    "the connection is closed instead of the stream",
};

interface Case {
  readonly name: string;
  readonly hasFailed: boolean;
}

describe(
  "h2spec against the Flight port",
  { ignore: !runnable, skip: !runnable },
  () => {
    it("fails in the cases of the list", async () => {
      const flightPort = freePort();
      const { qanat, url } = launchQanat([`--flight-port=${flightPort}`]);
      const directory = await Deno.makeTempDir();
      const run = async (): Promise<Case[]> => {
        const h2spec = new Process("h2spec", PARTS.h2spec.program!, [
          `--port=${flightPort}`,
          "--path=/arrow.flight.protocol.FlightService/DoGet",
          `--junit-report=${directory}/report.xml`,
        ]);
        await h2spec.ends();
        return casesOf(await Deno.readTextFile(`${directory}/report.xml`));
      };
      try {
        await qanat.answers(`${url}/readyz`);
        const cases = await run();
        let failed = failedOf(cases);
        if (failed.some((name) => !(name in KNOWN))) {
          // It waits 2 s for an answer: a busy machine may take longer, but not twice in the same case.
          const again = failedOf(await run());
          failed = failed.filter((name) => again.includes(name));
        }
        say(`h2spec: ${failed.length} of ${cases.length} cases fail`);
        assert.deepEqual(failed.sort(), Object.keys(KNOWN).sort());
        // All others were run.
        assert.ok(cases.length > 130, `${cases.length} cases`);
      } finally {
        await Deno.remove(directory, { recursive: true });
        assert.equal((await qanat.stop()).code, 0);
      }
    });
  },
);

function failedOf(cases: readonly Case[]): string[] {
  return cases.filter(({ hasFailed }) => hasFailed).map(({ name }) => name);
}

function casesOf(report: string): Case[] {
  const pattern =
    /<testcase package="([^"]*)" classname="([^"]*)"[^>]*>([\s\S]*?)<\/testcase>/g;
  return [...report.matchAll(pattern)].map(([, section, title, body]) => ({
    name: `${section}: ${title}`,
    hasFailed: /<(error|failure)/.test(body!),
  }));
}
