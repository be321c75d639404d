// What the kernel says of a process: CPU time, memory, children. Deno opens /proc to nobody without every
// permission there is, so that `cat` reads it. Invariant: a process that has ended reads as null, never as zero.

/** Kernel clock ticks a second: USER_HZ is 100 on every Linux that Deno runs on. */
const TICKS_PER_SECOND = 100;
// Fields of /proc/PID/stat behind the parenthesised name, counted from 0: state is 0.
const UTIME = 11;
const STIME = 12;

function read(path: string): string | null {
  const { success, stdout } = new Deno.Command("cat", {
    args: [path],
    stderr: "null",
  }).outputSync();
  return success ? new TextDecoder().decode(stdout) : null;
}

/** User and system time so far, all threads, s. */
export function cpuSecondsOf(pid: number): number | null {
  const text = read(`/proc/${pid}/stat`);
  if (text === null) return null;
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[UTIME]) + Number(fields[STIME])) / TICKS_PER_SECOND;
}

/** Resident memory, bytes. */
export function rssBytesOf(pid: number): number | null {
  const text = read(`/proc/${pid}/status`);
  const match = text && /^VmRSS:\s+(\d+) kB/m.exec(text);
  return match ? 1024 * Number(match[1]) : null;
}

/** Children that the first thread of a process has started. */
export function childrenOf(pid: number): number[] {
  const text = read(`/proc/${pid}/task/${pid}/children`) ?? "";
  return text.split(" ").filter((child) => child !== "").map(Number);
}

/** Cores that a process uses, over an interval of the caller's own. */
export class CpuMeter {
  readonly #pid: number;
  readonly #beganMs: number;
  readonly #began: number;

  constructor(pid: number) {
    this.#pid = pid;
    this.#began = this.#seconds();
    this.#beganMs = performance.now();
  }

  /** @throws {Error} where the process has ended. */
  cores(): number {
    const used = this.#seconds() - this.#began;
    return used / ((performance.now() - this.#beganMs) / 1000);
  }

  #seconds(): number {
    const seconds = cpuSecondsOf(this.#pid);
    if (seconds === null) throw new Error(`Process ${this.#pid} has ended`);
    return seconds;
  }
}
