// Cores that a process uses over an interval of the caller's own, and who its children are.
// Invariant: a process that has ended is an error, never a zero.
import {
  coresBetween,
  machineCoresBetween,
  machineFigures,
  processFigures,
} from "../scale/process_figures.ts";

/** Children that the first thread of a process has started. */
export function childrenOf(pid: number): number[] {
  // Deno opens /proc only to who has every permission.
  const { stdout } = new Deno.Command("cat", {
    args: [`/proc/${pid}/task/${pid}/children`],
    stdin: "null",
    stderr: "null",
  }).outputSync();
  return new TextDecoder().decode(stdout).split(" ")
    .filter((child) => child.trim() !== "").map(Number);
}

/** Counts from its construction on. */
export class CpuMeter {
  readonly #pid: number;
  readonly #before: ReturnType<typeof processFigures>;
  readonly #machine = machineFigures();
  #rssBytes = 0;

  constructor(pid: number) {
    this.#pid = pid;
    this.#before = processFigures(pid);
  }

  /** @throws {Error} where the process has ended. */
  cores(): number {
    const after = processFigures(this.#pid);
    this.#rssBytes = after.rssBytes;
    if (after.rssBytes === 0) throw new Error(`Process ${this.#pid} has ended`);
    return coresBetween(this.#before, after).all;
  }

  /** Resident memory when cores() was called last. */
  get serverRssBytes(): number {
    return this.#rssBytes;
  }

  /** Cores that the machine's host gave to others meanwhile. */
  stolenCores(): number {
    return machineCoresBetween(this.#machine, machineFigures()).stolen;
  }
}
