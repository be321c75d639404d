// CPU quotas of single threads, by cgroups of Linux: so a machine on which readers share the cores with the server can
// still show what one more thread brings.
// Invariant: the groups have threads of this run only, and are removed by close(); those of a run that was killed are
// removed by the next one.

/** The shortest quota that Linux takes, and the shortest period used, µs. */
const QUOTA_US_MIN = 1000;
const PERIOD_US_MIN = 10_000;
const NAME = "qanat-scale";

/** How groups are made in one of the two versions of cgroups. */
export interface CgroupHome {
  /** Directory in which groups are made. */
  readonly directory: string;
  readonly version: 1 | 2;
}

/** Runs a command; its standard error where it failed, else null. */
function failure(script: string, ...args: string[]): string | null {
  // Deno writes below /sys itself only with every permission.
  const { success, stderr } = new Deno.Command("sh", {
    args: ["-c", script, "sh", ...args],
    stdin: "null",
    stdout: "null",
    stderr: "piped",
  }).outputSync();
  return success ? null : new TextDecoder().decode(stderr).trim();
}

function textOf(...paths: string[]): string {
  const { stdout } = new Deno.Command("cat", {
    args: paths,
    stdin: "null",
    stderr: "null",
  }).outputSync();
  return new TextDecoder().decode(stdout);
}

/** Where groups for the CPU can be made, from /proc/self/mounts and /proc/self/cgroup; null where there is no cgroup. */
export function cgroupHome(mounts: string, own: string): CgroupHome | null {
  const mount = (type: string, option: string) =>
    mounts.split("\n").map((line) => line.split(" ")).find((fields) =>
      fields[2] === type &&
      (option === "" || (fields[3] ?? "").split(",").includes(option))
    )?.[1];
  const path = (pattern: RegExp) =>
    (pattern.exec(own)?.[1] ?? "/").replace(/\/$/, "");
  const first = mount("cgroup", "cpu");
  if (first !== undefined) {
    const at = path(/^\d+:(?:[^:]*,)?cpu(?:,[^:]*)?:(.*)$/m);
    return { directory: first + at, version: 1 };
  }
  const second = mount("cgroup2", "");
  if (second === undefined) return null;
  return { directory: second + path(/^0::(.*)$/m), version: 2 };
}

/** Quotas of threads. */
export class ThreadQuotas {
  readonly #home: CgroupHome;
  readonly #groups: string[] = [];
  #made = 0;

  private constructor(home: CgroupHome) {
    this.#home = home;
  }

  /** Null and the reason where threads cannot have quotas here. */
  static open(): { quotas: ThreadQuotas } | { quotas: null; why: string } {
    const home = cgroupHome(
      textOf("/proc/self/mounts"),
      textOf("/proc/self/cgroup"),
    );
    if (home === null) return { quotas: null, why: "no cgroup is mounted" };
    const quotas = new ThreadQuotas(home);
    quotas.#removeLeftOver();
    try {
      quotas.#newGroup(1);
    } catch (error) {
      return { quotas: null, why: (error as Error).message };
    } finally {
      quotas.close();
    }
    return { quotas };
  }

  /** Gives a thread this share of a core. Throws where that is refused. */
  limit(tid: number, share: number): void {
    const group = this.#newGroup(share);
    const file = this.#home.version === 1 ? "tasks" : "cgroup.threads";
    write(`${group}/${file}`, String(tid));
  }

  /** Removes the groups. Their threads must have ended, or they stay until the next run. */
  close(): void {
    for (const group of this.#groups.splice(0)) {
      failure('rmdir "$1"', group);
    }
  }

  /** A group without threads. */
  #newGroup(share: number): string {
    const { directory, version } = this.#home;
    const group = `${directory}/${NAME}-${Deno.pid}-${this.#made++}`;
    const refused = failure('mkdir "$1"', group);
    if (refused !== null) throw new Error(refused);
    this.#groups.push(group);
    const periodUs = Math.max(PERIOD_US_MIN, Math.ceil(QUOTA_US_MIN / share));
    const quotaUs = Math.round(share * periodUs);
    if (version === 1) {
      write(`${group}/cpu.cfs_period_us`, String(periodUs));
      write(`${group}/cpu.cfs_quota_us`, String(quotaUs));
      return group;
    }
    write(`${group}/cgroup.type`, "threaded");
    write(`${directory}/cgroup.subtree_control`, "+cpu");
    write(`${group}/cpu.max`, `${quotaUs} ${periodUs}`);
    return group;
  }

  /** Of runs whose process has ended. */
  #removeLeftOver(): void {
    failure(
      'for group in "$1"/"$2"-*; do pid=${group##*/"$2"-}; ' +
        '[ -e "/proc/${pid%%-*}" ] || rmdir "$group"; done',
      this.#home.directory,
      NAME,
    );
  }
}

function write(path: string, value: string): void {
  const refused = failure('printf %s "$2" > "$1"', path, value);
  if (refused !== null) throw new Error(`${path}: ${refused}`);
}
