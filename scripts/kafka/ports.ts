// Whether the ports that a broker takes on this machine are free.
// Invariant: a port that was opened to find out is closed again.

/** A port of 127.0.0.1 that a broker opens. */
export interface BrokerPort {
  readonly port: number;
  /** What it is for. */
  readonly use: string;
  /** The flag that chooses it. */
  readonly flag: string;
}

/** Says which port cannot be opened, and what to do; null if all can. */
export function portFault(ports: readonly BrokerPort[]): string | null {
  for (const { port, use, flag } of ports) {
    try {
      Deno.listen({ hostname: "127.0.0.1", port }).close();
    } catch (error) {
      if (!(error instanceof Deno.errors.AddrInUse)) {
        const reason = (error as Error).message;
        return `Port ${port} of 127.0.0.1 (${use}) cannot be opened: ${reason}; choose another with ${flag}`;
      }
      return `Port ${port} of 127.0.0.1 (${use}) is taken by another program: stop that program, which ` +
        `\`ss -ltnp\` or \`lsof -i :${port}\` shows, or choose another port with ${flag}`;
    }
  }
  return null;
}
