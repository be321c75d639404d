// Whether a port is free, where several threads are about to share it: two processes that share one would each get a part
// of the other's clients, and no error.
import { createServer } from "node:net";

/**
 * Rejects as a listener does when the port is taken, also by a process that shares it. The port is free again when this
 * resolves.
 */
export async function assertPortFree(
  { host, port }: { readonly host: string; readonly port: number },
): Promise<void> {
  const server = createServer((socket) => socket.destroy());
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once("error", reject);
  server.listen(
    { host, port, backlog: 1 },
    () => server.close(() => resolve()),
  );
  await promise;
}
