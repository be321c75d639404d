// The setting for the number of threads that serve clients, which depends on the machine.
// Invariant: above 1 only where the kernel is known to share one port evenly among several listeners.
import { whole } from "./readers.ts";
import { type Setting, SettingError } from "./setting.ts";

const WORKERS_MAX = 64;

/** What decides how many threads are useful, and how many are possible. */
export interface Machine {
  /** Cores that this process may use. */
  readonly cores: number;
  /** As `Deno.build.os`. */
  readonly os: string;
  /** As `Deno.build.arch`. */
  readonly arch: string;
}

/** A number, or `auto`: a worker for each core but one, which is left to the thread that reads and to the kernel. */
export function workers(
  help: string,
  machine: () => Machine = thisMachine,
): Setting<number> {
  const number = whole({ unit: "", preset: 1, min: 1, max: WORKERS_MAX, help });
  const read = (text: string) => {
    if (text === "auto") return automatic(machine());
    const isText = /^[a-z]/i.test(text);
    if (isText) {
      throw new SettingError(
        `a whole number from 1 to ${WORKERS_MAX}, or auto`,
      );
    }
    const count = number.read(text);
    if (count === 1) return count;
    const { os } = machine();
    if (os === "linux") return count;
    throw new SettingError(
      `1 on ${os}: only Linux is known to share a port evenly among several workers`,
    );
  };
  return { ...number, unit: "NUMBER|auto", read };
}

/** ARM processors reorder memory accesses, and reads of the shared ring have not been tested there. */
function automatic({ cores, os, arch }: Machine): number {
  if (os !== "linux" || arch !== "x86_64") return 1;
  return Math.min(WORKERS_MAX, Math.max(1, cores - 1));
}

function thisMachine(): Machine {
  const { os, arch } = Deno.build;
  return { cores: navigator.hardwareConcurrency, os, arch };
}
