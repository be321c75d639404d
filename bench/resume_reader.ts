// Resumes many event streams of one Qanat on this machine at once, in a process of its own, for bench/shared_resumes.ts.
// Invariant: bounded in streams and seconds, loopback only, ends by itself.
// deno run … resume_reader.ts STREAMS URL LAST_ID: {"ms", "bytes"} once each stream has the event with that id.

const STREAMS_MAX = 1000;
const WAIT_MAX_MS = 120_000;
const TAIL_CHARS = 40_000;

const [streamsText, url, lastId] = Deno.args;
const streams = Number(streamsText);
if (!(streams > 0 && streams <= STREAMS_MAX) || !url || !lastId) {
  throw new Error(`1 to ${STREAMS_MAX} streams, a URL and an id are needed`);
}
if (new URL(url).hostname !== "127.0.0.1") {
  throw new Error("Only 127.0.0.1 is read");
}
const signal = AbortSignal.timeout(WAIT_MAX_MS);

/** Reads one stream up to the event with the last id. */
async function read(): Promise<number> {
  const response = await fetch(url!, { signal });
  if (!response.ok) throw new Error(`${url}: ${await response.text()}`);
  const decoder = new TextDecoder();
  const reader = response.body!.getReader();
  let tail = "";
  let bytes = 0;
  for (;;) {
    const { value, done } = await reader.read();
    if (done) throw new Error(`It ended after ${bytes} bytes: ${tail}`);
    bytes += value.byteLength;
    tail = (tail + decoder.decode(value.subarray(-TAIL_CHARS))).slice(
      -TAIL_CHARS,
    );
    if (!tail.includes(`id: ${lastId}\n`) || !tail.endsWith("\n\n")) continue;
    await reader.cancel();
    return bytes;
  }
}

const beganMs = performance.now();
const bytes = await Promise.all(Array.from({ length: streams }, read));
const ms = performance.now() - beganMs;
await Deno.stdout.write(
  new TextEncoder().encode(JSON.stringify({ ms, bytes })),
);
Deno.exit(0);
