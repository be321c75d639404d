// Whether a Qanat compresses events. Uses a bare connection: fetch decodes the body and hides the header.
import type { World } from "./world.ts";

export async function servesGzip(world: World): Promise<boolean> {
  const { process, port, names } = await world.launch();
  try {
    using connection = await Deno.connect({ hostname: "127.0.0.1", port });
    await connection.write(
      new TextEncoder().encode(
        `GET /v1/events?channels=${
          names[0]
        } HTTP/1.1\r\nHost: x\r\nAccept-Encoding: gzip\r\n\r\n`,
      ),
    );
    const answer = new Uint8Array(4096);
    const bytes = await connection.read(answer) ?? 0;
    const head = new TextDecoder().decode(answer.subarray(0, bytes));
    return /\r\ncontent-encoding: gzip\r\n/i.test(head);
  } finally {
    await process.stop();
  }
}
