// Whether an instance shows the embedded source: it does where its settings name no other one.

/** The settings that name a source. */
export interface SourceNames {
  readonly kafka: readonly unknown[];
  readonly upstream: readonly unknown[];
}

export function isEmbedded({ kafka, upstream }: SourceNames): boolean {
  return kafka.length === 0 && upstream.length === 0;
}
