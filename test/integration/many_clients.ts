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
  options: { signal: AbortSignal; onFirstBytes: () => void },
): Promise<void> {
  using out = await Deno.open(file, {
    write: true,
    create: true,
    truncate: true,
  });
  try {
    const response = await fetch(url, { signal: options.signal });
    if (!response.ok) {
      throw new Error(`${url}: ${response.status} ${await response.text()}`);
    }
    let first = true;
    for await (const chunk of response.body!) {
      for (let at = 0; at < chunk.byteLength;) {
        at += await out.write(chunk.subarray(at));
      }
      if (first) options.onFirstBytes();
      first = false;
    }
  } catch (error) {
    if (!options.signal.aborted) throw error;
  }
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
  const stop = new AbortController();
  let attached = 0;
  const onFirstBytes = () => {
    if (++attached === plan.clients.length) say("attached");
  };
  const timer = setTimeout(() => stop.abort(), (plan.seconds + GRACE_S) * 1000);
  await Promise.all(
    plan.clients.map((client) =>
      readInto(client, { signal: stop.signal, onFirstBytes })
    ),
  );
  clearTimeout(timer);
  say("done");
}

await main();
Deno.exit(0);
