// A process of bench/tls_cost.ts that reads one path with many connections until it is ended: CLIENTS PORT PATH IS_TLS.
import net from "node:net";
import tls from "node:tls";
import { sleep } from "../test/integration/chain.ts";

const [clients, port, path, isTls] = Deno.args;
const request = `GET ${path} HTTP/1.1\r\nhost: localhost\r\n\r\n`;
for (let i = 0; i < Number(clients); i++) {
  const to = { port: Number(port), host: "127.0.0.1" };
  const socket = isTls === "true"
    ? tls.connect({ ...to, rejectUnauthorized: false })
    : net.connect(to);
  socket.once(isTls === "true" ? "secureConnect" : "connect", () => {
    socket.write(request);
  });
  socket.on("data", () => {});
  if (i % 20 === 19) await sleep(50);
}
