// Takes a CPU profile of a Deno process that was started with --inspect, over the DevTools protocol.
// Invariant: one request at a time; the connection is closed when the profile is there.
import { type Process, sleep } from "../../test/integration/chain.ts";
import type { CpuProfile } from "./cpu_profile.ts";

const SAMPLING_MICROS = 200;
const LISTEN_WAIT_MS = 10_000;

/** Where a process that was started with --inspect takes a debugger. */
export async function inspectorUrlOf(process: Process): Promise<string> {
  const endMs = Date.now() + LISTEN_WAIT_MS;
  while (Date.now() < endMs) {
    const match = /ws:\/\/127\.0\.0\.1:\S+/.exec(process.log);
    if (match) return match[0];
    await sleep(50);
  }
  throw new Error(`It said nothing of a debugger: ${process.log}`);
}

/** Profiles for so long. */
export async function profileFor(
  seconds: number,
  inspectorUrl: string,
): Promise<CpuProfile> {
  const socket = new WebSocket(inspectorUrl);
  await new Promise((resolve, reject) => {
    socket.onopen = resolve;
    socket.onerror = () => reject(new Error(`Cannot open ${inspectorUrl}`));
  });
  let id = 0;
  const call = (method: string, params = {}) =>
    new Promise<Record<string, unknown>>((resolve, reject) => {
      id++;
      socket.onmessage = ({ data }) => {
        const answer = JSON.parse(data);
        if (answer.id !== id) return; // an event
        if (answer.error) reject(new Error(answer.error.message));
        else resolve(answer.result);
      };
      socket.onclose = () => reject(new Error("The process has ended"));
      socket.send(JSON.stringify({ id, method, params }));
    });
  try {
    await call("Profiler.enable");
    await call("Profiler.setSamplingInterval", { interval: SAMPLING_MICROS });
    await call("Profiler.start");
    await sleep(1000 * seconds);
    const { profile } = await call("Profiler.stop");
    return profile as CpuProfile;
  } finally {
    socket.onclose = null;
    socket.close();
  }
}
