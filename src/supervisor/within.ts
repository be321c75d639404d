// A wait that ends.

/** Resolves when the work is done or has failed, or the time is up, whichever comes first. */
export async function within(
  limitMs: number,
  work: Promise<unknown>,
): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const enough = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, limitMs);
  });
  await Promise.race([work.catch(() => {}), enough]);
  clearTimeout(timer);
}
