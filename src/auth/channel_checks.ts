// Checks whether rules allow the channels of streams, after a change: once for all streams of equal rules and channels.
// Invariant: one call takes about CALL_STEPS steps; all checks of one set of rules together look at no more channels by
// rules than the catalog has, and at all others in its view.
import type { Catalog } from "../channels/catalog.ts";
import type { Channel } from "../channels/channel.ts";
import type { SlicedWork } from "../channels/sliced_work.ts";
import type { CatalogViews } from "./catalog_views.ts";
import type { Grant } from "./grant.ts";

/** Steps of sliced work in one call: a stream can have thousands of channels, and a grant many rules. */
const CALL_STEPS = 1000;
/** To look up a channel in a view. */
const LOOKUP_STEPS = 0.2;

/** `removed`: a channel is not allowed. `unfinished`: the check needs more calls. Null: all are allowed. */
export type CheckOutcome = "removed" | "unfinished" | null;

/** The check of one list of channels. */
interface Progress {
  /** Index of the next channel. */
  next: number;
  outcome: CheckOutcome;
}

/** The checks by one set of rules. */
interface RulesChecks {
  readonly byChannels: WeakMap<readonly Channel[], Progress>;
  /** Channels that were looked at by rules. */
  evaluated: number;
  /** The work that makes the view, while it is under way. */
  gathering: SlicedWork<Catalog> | null;
  /** Kept during the check of a list alone. */
  view: Catalog | null;
}

/** The checks of one instance, by the grants of its newest version. */
export class ChannelChecks {
  readonly #views: CatalogViews;
  #version = -1;
  /** By {@linkcode Grant.readKey}. */
  readonly #byRules = new Map<string, RulesChecks>();

  constructor(views: CatalogViews) {
    this.#views = views;
  }

  /** Continues the check of a list, which is known by its identity. `version`: of the book that the grant is from. */
  run(
    grant: Grant,
    channels: readonly Channel[],
    version: number,
  ): CheckOutcome {
    if (version !== this.#version) {
      this.#version = version;
      this.#byRules.clear();
    }
    const checks = this.#checksOf(grant);
    let progress = checks.byChannels.get(channels);
    if (progress === undefined) {
      progress = { next: 0, outcome: "unfinished" };
      checks.byChannels.set(channels, progress);
    }
    if (progress.outcome !== "unfinished") return progress.outcome;
    checks.view ??= this.#views.known(grant);
    progress.outcome = this.#continue(grant, channels, { checks, progress });
    if (progress.outcome !== "unfinished") checks.view = null;
    return progress.outcome;
  }

  #checksOf(grant: Grant): RulesChecks {
    let checks = this.#byRules.get(grant.readKey);
    if (checks === undefined) {
      checks = {
        byChannels: new WeakMap(),
        evaluated: 0,
        gathering: null,
        view: null,
      };
      this.#byRules.set(grant.readKey, checks);
    }
    return checks;
  }

  #continue(
    grant: Grant,
    channels: readonly Channel[],
    { checks, progress }: {
      readonly checks: RulesChecks;
      readonly progress: Progress;
    },
  ): CheckOutcome {
    let steps = CALL_STEPS;
    while (progress.next < channels.length) {
      if (steps <= 0) return "unfinished";
      if (this.#needsView(checks)) {
        steps -= this.#gather(grant, checks);
        continue;
      }
      const channel = channels[progress.next]!;
      steps -= LOOKUP_STEPS;
      if (!isIn(checks.view, channel)) {
        if (!grant.allows(channel)) return "removed";
        steps -= grant.stepsOf(channel);
        checks.evaluated++;
      }
      progress.next++;
    }
    return null;
  }

  /** To look at the catalog once takes less than to look at the same channels in many lists. */
  #needsView({ view, evaluated }: RulesChecks): boolean {
    return view === null && evaluated >= this.#views.catalogSize;
  }

  /** Does a part of the work that makes the view. Returns the steps of the next part. */
  #gather(grant: Grant, checks: RulesChecks): number {
    checks.gathering ??= this.#views.gathering(grant);
    const part = checks.gathering.next();
    if (!part.done) return part.value;
    checks.view = part.value;
    checks.gathering = null;
    return 0;
  }
}

function isIn(view: Catalog | null, channel: Channel): boolean {
  return view !== null &&
    view.get(channel.name, channel.replayId) === channel;
}
