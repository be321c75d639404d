// Times at which tokens expire, as operators write them.

/** A date, or a time with its zone: JavaScript reads times without one in the zone of the machine. */
const TIME =
  /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d{1,3})?)?(Z|[+-]\d\d:\d\d))?$/;

/** What a right time looks like, for messages. */
export const EXPIRY_RIGHT = "a time such as 2027-01-31 or 2027-01-31T12:00:00Z";

/** Unix ms of an ISO 8601 time, or of the beginning of a day in UTC; NaN for any other text. */
export function expiryMsOf(text: string): number {
  return TIME.test(text) ? Date.parse(text) : NaN;
}
