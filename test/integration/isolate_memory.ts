// Memory of a worker's isolate in workerd, by its inspector (the DevTools protocol).

/** Bytes. */
export interface IsolateMemory {
  /** Objects in the heap of JavaScript. */
  readonly used: number;
  /** What that heap has taken from the system. */
  readonly committed: number;
  /** Array buffers, outside of that heap: rings and slabs among them. */
  readonly buffers: number;
}

interface HeapUsage {
  readonly usedSize: number;
  readonly totalSize: number;
  readonly embedderHeapUsedSize?: number;
  readonly backingStorageSize?: number;
}

/** Memory of the worker behind an inspector at `http://HOST:PORT`. `collect`: after a full garbage collection. */
export async function isolateMemory(
  inspectorUrl: string,
  { collect }: { readonly collect: boolean },
): Promise<IsolateMemory> {
  const list = await (await fetch(`${inspectorUrl}/json/list`)).json() as {
    webSocketDebuggerUrl: string;
  }[];
  const socket = new WebSocket(list[0]!.webSocketDebuggerUrl);
  try {
    await once(socket, "open");
    if (collect) await call(socket, "HeapProfiler.collectGarbage");
    const usage = await call(socket, "Runtime.getHeapUsage") as HeapUsage;
    return {
      used: usage.usedSize + (usage.embedderHeapUsedSize ?? 0),
      committed: usage.totalSize + (usage.embedderHeapUsedSize ?? 0),
      buffers: usage.backingStorageSize ?? 0,
    };
  } finally {
    socket.close();
  }
}

async function call(socket: WebSocket, method: string): Promise<unknown> {
  const id = method.length;
  socket.send(JSON.stringify({ id, method }));
  for (;;) {
    const { data } = await once(socket, "message") as MessageEvent<string>;
    const message = JSON.parse(data) as {
      id?: number;
      result?: unknown;
      error?: { message: string };
    };
    if (message.id !== id) continue;
    if (message.error) throw new Error(`${method}: ${message.error.message}`);
    return message.result;
  }
}

function once(socket: WebSocket, type: "open" | "message"): Promise<Event> {
  return new Promise((resolve, reject) => {
    socket.addEventListener(type, resolve, { once: true });
    socket.addEventListener("error", reject, { once: true });
  });
}
