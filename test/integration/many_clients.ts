// A process that reads many streams of one Qanat on this machine at once, each into a file of its own.
// Invariant: bounded in clients and seconds, loopback only, ends by itself.
// deno run … many_clients.ts PLAN: {"seconds", "clients": [{"url", "file"}]}; says `attached` once all get bytes, `done` at the end.
const CLIENTS_MAX = 1000;
const SECONDS_MAX = 3600;
const GRACE_S = 5;

interface Plan {
  readonly seconds: number;
  readonly clients: readonly { url: string; file: string }[];
}

function say(line: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(line + "\n"));
}

async function readInto(
  { url, file }: { url: string; file: string },
  options: { untilMs: number; onFirstBytes: () => void },
): Promise<void> {
  using out = await Deno.open(file, {
    write: true,
    create: true,
    truncate: true,
  });
  const response = await fetch(url);
  if (!response.ok) {
    throw new Error(`${url}: ${response.status} ${await response.text()}`);
  }
  const reader = response.body!.getReader();
  // One shared AbortSignal is not enough: with responses among them that have ended, Deno leaves the others open.
  const timer = setTimeout(
    () => reader.cancel(),
    options.untilMs - performance.now(),
  );
  let first = true;
  for (;;) {
    const { value, done } = await reader.read();
    if (done) break;
    for (let at = 0; at < value.byteLength;) {
      at += await out.write(value.subarray(at));
    }
    if (first) options.onFirstBytes();
    first = false;
  }
  clearTimeout(timer);
}

async function main(): Promise<void> {
  const plan = JSON.parse(Deno.readTextFileSync(Deno.args[0]!)) as Plan;
  if (plan.clients.length > CLIENTS_MAX || plan.seconds > SECONDS_MAX) {
    throw new Error(
      `At most ${CLIENTS_MAX} clients for ${SECONDS_MAX} s: asked for ${plan.clients.length} for ${plan.seconds} s`,
    );
  }
  for (const { url } of plan.clients) {
    if (new URL(url).hostname !== "127.0.0.1") {
      throw new Error(`Only 127.0.0.1 is read: ${url}`);
    }
  }
  let attached = 0;
  const onFirstBytes = () => {
    if (++attached === plan.clients.length) say("attached");
  };
  const untilMs = performance.now() + (plan.seconds + GRACE_S) * 1000;
  await Promise.all(
    plan.clients.map((client) => readInto(client, { untilMs, onFirstBytes })),
  );
  say("done");
}

await main();
Deno.exit(0);
