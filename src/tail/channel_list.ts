// `--list`: prints the channels, one line each.
// Invariant: all pages are read; each line begins with a name that `tail` accepts; names are escaped for the terminal; a
// list without a channel is no success.
import { shownValue } from "../settings/shown.ts";
import { terminalText } from "../text/terminal.ts";
import { CredentialError } from "./credential.ts";
import type { TailOptions } from "./options.ts";
import { certificateFault, detailOf, type Outcome } from "./retrying.ts";

/** A channel as /v1/channels lists it. */
interface ListedChannel {
  readonly name: string;
  readonly data_type: string;
  readonly sample_rate: number;
  readonly publisher: string;
  readonly live: boolean;
  /** Null where none is known; absent from a server of an older version. */
  readonly unit?: string | null;
  readonly description?: string | null;
}

/** Prints the channels that match the options. */
export async function listChannels(
  options: TailOptions,
  to: {
    readonly signal: AbortSignal;
    readonly write: (text: string) => void;
  },
): Promise<Outcome> {
  let after: string | null = null;
  let count = 0;
  do {
    const url = new URL(`${options.url}/v1/channels`);
    for (const name of ["match", "replay"]) {
      const value = options.query[name];
      if (value !== undefined) url.searchParams.set(name, value);
    }
    if (after !== null) url.searchParams.set("after", after);
    let response: Response;
    try {
      response = await fetch(url, {
        signal: to.signal,
        headers: await options.credential.headers(),
        ...(options.client && { client: options.client }),
      });
    } catch (error) {
      if (to.signal.aborted) return { kind: "stopped" };
      if (error instanceof CredentialError) {
        return { kind: "refused", detail: error.message };
      }
      const detail = certificateFault(error) ??
        `${options.url} does not answer: ${(error as Error).message}`;
      return { kind: "broken", detail };
    }
    if (!response.ok) {
      return {
        kind: "refused",
        detail: await detailOf(response, options.credential),
      };
    }
    const page = await response.json() as {
      channels: ListedChannel[];
      next: string | null;
    };
    count += page.channels.length;
    to.write(page.channels.map(lineOf).join(""));
    after = page.next;
  } while (after !== null);
  return count > 0
    ? { kind: "complete" }
    : { kind: "refused", detail: noneText(options) };
}

/** Why a list is empty. */
function noneText({ query: { match, replay } }: TailOptions): string {
  const where = replay === undefined
    ? ""
    : ` in the replay context ${shownValue(replay)}`;
  return match === undefined
    ? `The server lists no channel${where}`
    : `No channel${where} matches ${shownValue(match)}`;
}

function lineOf(channel: ListedChannel): string {
  const { name, data_type, sample_rate, publisher, live } = channel;
  const { unit, description } = channel;
  const fields = [
    name,
    data_type,
    `${sample_rate} Hz`,
    publisher,
    live ? "live" : "silent",
  ];
  if (unit || description) fields.push(unit ?? "");
  if (description) fields.push(description);
  return fields.map(terminalText).join("\t") + "\n";
}
