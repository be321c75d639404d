// The worker of worker_facts_test.ts: reports what it finds.
import { GcTime } from "../../src/telemetry/gc_time.ts";
import { RawWriter } from "../../src/http/transport/raw_write.ts";
import { LifeSigns } from "../../src/supervisor/life_signs.ts";

const scope = self as unknown as {
  postMessage(message: unknown): void;
  onmessage: (event: MessageEvent<SharedArrayBuffer>) => void;
};

const kept: unknown[] = [];

scope.onmessage = ({ data }) => {
  const gc = new GcTime();
  for (let i = 0; i < 1_000_000; i++) kept.push({ i });
  gc.sample();
  gc.close();
  new LifeSigns(data).countTick();
  scope.postMessage({
    collections: gc.collections,
    heapUsed: Deno.memoryUsage().heapUsed,
    rss: Deno.memoryUsage().rss,
    writesRaw: RawWriter.find() !== null,
    mayConnect: Deno.permissions.querySync({ name: "net" }).state,
    kept: kept.length,
  });
};
