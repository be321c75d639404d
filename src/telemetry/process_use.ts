// The CPU time and the start of this process, where the runtime reports them.
import process from "node:process";

/** CPU time of all threads since the start, s. */
export interface CpuSeconds {
  readonly user: number;
  readonly system: number;
}

/** What a runtime says of its process. */
export interface ProcessUse {
  /** Unix s. */
  readonly startSeconds: number;
  cpuSeconds(): CpuSeconds;
}

/** Of this process. It began when its thread did that calls this, or a moment before. */
export function processUse(): ProcessUse {
  return {
    startSeconds: performance.timeOrigin / 1000,
    cpuSeconds: () => {
      const { user, system } = process.cpuUsage();
      return { user: user / 1e6, system: system / 1e6 };
    },
  };
}
