// A port on which a test says how the thread that imports this is to break. Each connection sends one word.

/** A pause that a service must survive, such as a long collection. */
export const PAUSE_MS = 3000;
/** Objects of about so many bytes, so often: the last tenth of a heap of 200 MB takes two seconds. */
const FILL_BYTES = 1_000_000;
const FILL_MS = 100;

function hang(): never {
  for (;;);
}

function pause(): void {
  const endMs = performance.now() + PAUSE_MS;
  while (performance.now() < endMs);
}

function fillHeap(): void {
  const kept: unknown[] = [];
  setInterval(() => {
    // About 40 bytes each; one long list would double its memory at once.
    kept.push(Array.from({ length: FILL_BYTES / 40 }, (_, i) => ({ i })));
  }, FILL_MS);
}

const BREAKS: Readonly<Record<string, () => void>> = {
  hang,
  pause,
  "fill-heap": fillHeap,
  throw: () =>
    void setTimeout(() => {
      throw new Error("thrown by the test");
    }),
  reject: () => void Promise.reject(new Error("rejected by the test")),
};

/** Listens on the port in the query of `url`. `more`: other words, and what each does. */
export async function breakOnWord(
  url: string,
  more: Readonly<Record<string, () => void>> = {},
): Promise<void> {
  const port = Number(new URL(url).searchParams.get("port"));
  for await (const connection of Deno.listen({ hostname: "127.0.0.1", port })) {
    const bytes = new Uint8Array(100);
    const count = await connection.read(bytes);
    connection.close();
    const word = new TextDecoder().decode(bytes.subarray(0, count ?? 0));
    ({ ...BREAKS, ...more })[word]!();
  }
}
