// Who shares the pools of an instance with others: the owner of a token, or an address where there is none.
// Invariant: no owner has the key of an address, whatever its name is.
import { addressKey } from "./client_address.ts";

/** Limits of one holder; a field that is absent leaves the setting that holds for all. */
export interface ShareLimits {
  /** Streams at once. */
  readonly clientsMax?: number | undefined;
  /** Histories at once. */
  readonly historiesMax?: number | undefined;
  /** Most of each pool, percent of what others leave. */
  readonly sharePercent?: number | undefined;
}

/** A holder of shares. */
export interface ShareHolder {
  readonly kind: "address" | "owner";
  /** Under what it is counted; "" is counted only in the total. */
  readonly key: string;
  readonly limits: ShareLimits;
}

const NO_LIMITS: ShareLimits = {};

/** The holder of an address: itself, or the /64 of IPv6. */
export function addressHolder(
  address: string,
  limits: ShareLimits = NO_LIMITS,
): ShareHolder {
  return { kind: "address", key: addressKey(address), limits };
}

/** What a client is counted by. */
export interface SharingClient {
  readonly address: string;
  readonly rights?:
    | { readonly account: string | null; readonly shares: ShareLimits }
    | undefined;
}

/** The holder of a client: its account, with the limits that it has now, or its address. */
export function holderOf({ address, rights }: SharingClient): ShareHolder {
  if (rights === undefined) return addressHolder(address);
  const { account, shares } = rights;
  if (account === null) return addressHolder(address, shares);
  return { kind: "owner", key: `owner ${account}`, limits: shares };
}
