// With which status a stream ends. Arrakis's client takes OK for the end of all rows, so only a whole range ends with it.
import type { EndReason } from "../clients/end_reason.ts";
import { FlightError, type FlightFault } from "./flight_error.ts";

type Ending = readonly [fault: FlightFault, message: string];

const ENDINGS: Readonly<Record<EndReason, Ending | null>> = {
  "complete": null,
  "client-left": null,
  "changed": ["unavailable", "a channel of this stream has changed"],
  "removed": [
    "unavailable",
    "a channel of this stream was removed, or may not be read any more",
  ],
  "expired": ["unauthenticated", "the token has expired"],
  "revoked": ["unauthenticated", "the token has been revoked"],
  "time-reset": ["unavailable", "the publisher's time has jumped back"],
  "drain": ["unavailable", "the server is stopping"],
  "age": ["unavailable", "the stream is moved to another instance"],
  "closed-by-operator": ["unavailable", "an operator has closed it"],
  "slow": ["unavailable", "the client has not read fast enough"],
  "stalled": ["unavailable", "the client has stopped reading"],
  "gap": ["unavailable", "rows are missing"],
  "error": ["internal", "the server has failed; its log has the reason"],
};

/** The error that a stream ends with; null: it is complete. */
export function endOf(reason: EndReason): FlightError | null {
  const ending = ENDINGS[reason];
  if (ending === null) return null;
  const [fault, message] = ending;
  const next = fault === "unauthenticated"
    ? "; open it again with another token"
    : reason === "closed-by-operator"
    ? ""
    : "; open it again";
  return new FlightError(
    fault,
    `The stream has ended: ${message} (${reason})${next}`,
  );
}
