// The threads of a running Qanat: which of them serve clients, which one reads, and how much CPU each has used.
// Invariant: it relies on how Deno names the threads of Workers ("worker-0", "worker-1" …, in the order in which they are
// started), and on Qanat's starting the thread that reads first; with other names there is an error, never a wrong figure.

const NS_PER_S = 1e9;

/** One thread. */
export interface ThreadFigures {
  readonly tid: number;
  readonly name: string;
  readonly cpuS: number;
}

/** Threads by what they do. */
export interface Threads {
  readonly atMs: number;
  /** In the order in which they were started. */
  readonly serving: readonly ThreadFigures[];
  /** Null with one worker, which reads by itself. */
  readonly reading: ThreadFigures | null;
}

/** The threads of a Qanat with so many workers. Throws where they are not found. */
export function threadsOf(pid: number, workers: number): Threads {
  // Deno reads /proc itself only with every permission.
  const { stdout } = new Deno.Command("sh", {
    args: [
      "-c",
      'grep -H . /proc/"$1"/task/*/comm /proc/"$1"/task/*/schedstat',
      "sh",
      String(pid),
    ],
    stdin: "null",
    stderr: "null",
  }).outputSync();
  const threads = threadsIn(new TextDecoder().decode(stdout));
  return { atMs: performance.now(), ...byRole(threads, workers) };
}

/** Threads out of lines `/proc/PID/task/TID/comm:NAME` and `/proc/PID/task/TID/schedstat:NS …`. */
export function threadsIn(text: string): ThreadFigures[] {
  const names = new Map<number, string>();
  const times = new Map<number, number>();
  for (
    const [, tid, file, value] of text.matchAll(
      /\/task\/(\d+)\/(comm|schedstat):(.*)$/mg,
    )
  ) {
    if (file === "comm") names.set(Number(tid), value!);
    else times.set(Number(tid), parseInt(value!) / NS_PER_S);
  }
  return [...names].flatMap(([tid, name]) => {
    const cpuS = times.get(tid);
    return cpuS === undefined ? [] : [{ tid, name, cpuS }];
  });
}

/** Which of these threads serve, and which one reads. */
export function byRole(
  threads: readonly ThreadFigures[],
  workers: number,
): Pick<Threads, "serving" | "reading"> {
  const numbered = threads.flatMap((thread) => {
    const number = /^worker-(\d+)$/.exec(thread.name)?.[1];
    return number === undefined ? [] : [{ number: Number(number), thread }];
  }).sort((a, b) => a.number - b.number).map(({ thread }) => thread);
  const readers = workers > 1 ? 1 : 0;
  if (numbered.length < workers + readers) {
    throw new Error(
      `${workers + readers} threads named worker-N are expected, ${
        threads.map(({ name }) => name).join(", ")
      } are there`,
    );
  }
  return {
    reading: readers === 0 ? null : numbered[0]!,
    serving: numbered.slice(readers, readers + workers),
  };
}

/** Cores that threads used between two moments. */
export function threadCoresBetween(
  a: Threads,
  b: Threads,
): { readonly serving: number; readonly reading: number | null } {
  const seconds = (b.atMs - a.atMs) / 1000;
  const sum = ({ serving }: Threads) =>
    serving.reduce((total, { cpuS }) => total + cpuS, 0);
  return {
    serving: (sum(b) - sum(a)) / seconds,
    reading: a.reading === null || b.reading === null
      ? null
      : (b.reading.cpuS - a.reading.cpuS) / seconds,
  };
}
