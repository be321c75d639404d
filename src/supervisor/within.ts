// A wait with a time limit.

/** Resolves when the work is done or has failed, or when the time is up. */
export async function within(
  limitMs: number,
  work: Promise<unknown> = Promise.resolve(),
): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const enough = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, limitMs);
  });
  await Promise.race([work.catch(() => {}), enough]);
  clearTimeout(timer);
}
