// The outcomes of an admission. Invariant: every outcome but `ready` has released what it had reserved.
import type { ClientOptions } from "./client_options.ts";
import type { Outlet } from "./outlet.ts";
import type { Refusal } from "./refusals.ts";
import type { ShareHolder } from "../shares/share_holder.ts";
import type { Permit } from "./permit.ts";
import type { GroupClient, SelectionGroup } from "./selection_group.ts";

/** What a client that may be served has. */
export interface AdmittedClient {
  readonly group: SelectionGroup;
  /** To read history with; null where it needs none. */
  readonly permit: Permit | null;
  readonly options: Pick<ClientOptions, "rights">;
}

/** A client that may be served. */
export interface ReadyAdmission {
  readonly kind: "ready";
  /** What was found and taken for it. */
  admitted(): AdmittedClient;
  /**
   * Begins the stream. Throws when it cannot; then everything that was reserved has been released. `isSettled`: its answer
   * was promised to be settled, see {@linkcode ClientOptions}. @default false
   */
  open(outlet: Outlet, isSettled?: boolean): GroupClient;
  /** Releases what was reserved; does nothing once the stream is open. */
  cancel(): void;
}

/** A limit that is reached. */
export interface FullAdmission {
  readonly kind: "full";
  readonly refusal: Refusal;
  /** The limit in words. */
  readonly limit: string;
  /** Whose limit it is; null for one that all share. */
  readonly of: ShareHolder["kind"] | null;
  /** Why, in words, where no limit is reached. */
  readonly reason?: string;
}

/** Whether one more client can be served. */
export type Admission =
  | ReadyAdmission
  | FullAdmission
  | { readonly kind: "too-large"; readonly detail: string }
  /** A channel is no longer what it was when the request looked it up. */
  | { readonly kind: "changed"; readonly name: string }
  /** What its owner may read has changed since the channels were looked up. */
  | { readonly kind: "other-rights" };
