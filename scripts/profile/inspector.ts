// Takes a CPU profile of a Deno process that was started with --inspect, over the DevTools protocol.
// Invariant: the connection is closed when the profile is there.
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

/** Profiles the process's worker, which is where Qanat serves, for so long. */
export async function profileFor(
  seconds: number,
  inspectorUrl: string,
): Promise<CpuProfile> {
  const socket = new WebSocket(inspectorUrl);
  await new Promise((resolve, reject) => {
    socket.onopen = resolve;
    socket.onerror = () => reject(new Error(`Cannot open ${inspectorUrl}`));
  });
  try {
    const call = await workerSessionOf(socket);
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

type Call = (
  method: string,
  params?: Record<string, unknown>,
) => Promise<Record<string, unknown>>;

/** Attaches to the worker: what it is asked and answers travels inside of the main thread's messages. */
async function workerSessionOf(socket: WebSocket): Promise<Call> {
  const attached = Promise.withResolvers<string>();
  const answers = new Map<number, PromiseWithResolvers<Answer["result"]>>();
  const take = ({ id, error, result }: Answer) => {
    if (error) answers.get(id)?.reject(new Error(error.message));
    else answers.get(id)?.resolve(result);
    answers.delete(id);
  };
  socket.onclose = () => {
    const ended = new Error("The process has ended");
    attached.reject(ended);
    for (const { reject } of answers.values()) reject(ended);
  };
  socket.onmessage = ({ data }) => {
    const { method, params } = JSON.parse(data);
    if (method === "NodeWorker.attachedToWorker") {
      attached.resolve(params.sessionId);
    } else if (method === "NodeWorker.receivedMessageFromWorker") {
      take(JSON.parse(params.message));
    }
  };
  socket.send(JSON.stringify({
    id: 1,
    method: "NodeWorker.enable",
    params: { waitForDebuggerOnStart: false },
  }));
  const sessionId = await attached.promise;
  let lastId = 1;
  return (method, params = {}) => {
    const id = ++lastId;
    const answer = Promise.withResolvers<Answer["result"]>();
    answers.set(id, answer);
    socket.send(JSON.stringify({
      id,
      method: "NodeWorker.sendMessageToWorker",
      params: { sessionId, message: JSON.stringify({ id, method, params }) },
    }));
    return answer.promise;
  };
}

interface Answer {
  readonly id: number;
  readonly error?: { readonly message: string };
  readonly result: Record<string, unknown>;
}
