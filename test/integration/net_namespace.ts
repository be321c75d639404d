// A network namespace of the test's own, in which the kernel keeps little of what a client does not read.
// Invariant: settings are made inside it only; close() takes it away.

/** Bytes not sent yet that the kernel takes from a server, for each connection. */
const NOT_SENT_BYTES = 65_536;

/** A namespace, or why there is none. */
export type Found =
  | { readonly kind: "namespace"; readonly namespace: NetNamespace }
  | { readonly kind: "none"; readonly why: string };

/** Has loopback and nothing else. */
export class NetNamespace {
  readonly #name: string;

  private constructor(name: string) {
    this.#name = name;
  }

  /** Makes one; that needs root and iproute2. */
  static make(): Found {
    const name = `qanat-${Deno.pid}`;
    const namespace = new NetNamespace(name);
    let why = run("ip", ["netns", "add", name]);
    if (why !== null) return { kind: "none", why };
    why = run("ip", [
      "netns",
      "exec",
      name,
      "sh",
      "-c",
      `ip link set lo up && echo ${NOT_SENT_BYTES} > /proc/sys/net/ipv4/tcp_notsent_lowat`,
    ]);
    if (why === null) return { kind: "namespace", namespace };
    namespace.close();
    return { kind: "none", why };
  }

  /** What to put before a program so that it runs inside. */
  get prefix(): readonly string[] {
    return ["ip", "netns", "exec", this.#name];
  }

  close(): void {
    const why = run("ip", ["netns", "delete", this.#name]);
    if (why !== null) {
      throw new Error(`Cannot delete the namespace ${this.#name}: ${why}`);
    }
  }
}

/** Null when it went well, else why it did not. */
function run(program: string, args: readonly string[]): string | null {
  try {
    const { success, stderr } = new Deno.Command(program, {
      args: [...args],
      stdin: "null",
      stdout: "null",
      stderr: "piped",
    }).outputSync();
    return success ? null : new TextDecoder().decode(stderr).trim();
  } catch (error) {
    return (error as Error).message;
  }
}
