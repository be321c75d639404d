// How many requests were answered, by route and status.
// Invariant: a route is a pattern of the service or `other`, never a path that a client wrote: their number has a limit.

export interface AnswerCount {
  /** As OpenAPI writes it: `/v1/channels/{name}`. */
  readonly route: string;
  readonly status: number;
  readonly count: number;
}

/** Counts of one instance. */
export class AnswerCounts {
  readonly #byRoute = new Map<string, Map<number, number>>();

  add(route: string, status: number): void {
    let byStatus = this.#byRoute.get(route);
    if (!byStatus) this.#byRoute.set(route, byStatus = new Map());
    byStatus.set(status, (byStatus.get(status) ?? 0) + 1);
  }

  *all(): Iterable<AnswerCount> {
    for (const [route, byStatus] of this.#byRoute) {
      for (const [status, count] of byStatus) yield { route, status, count };
    }
  }
}
