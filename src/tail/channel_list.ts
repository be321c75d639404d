// `--list`: the channels that there are, a line each.
// Invariant: every page is asked for; what is printed first is a name that `tail` takes; no name acts on a terminal.
import { terminalText } from "../text/terminal.ts";
import type { TailOptions } from "./options.ts";
import { detailOf, type Outcome } from "./retrying.ts";

interface Listed {
  readonly name: string;
  readonly data_type: string;
  readonly sample_rate: number;
  readonly publisher: string;
  readonly live: boolean;
}

/** Prints the channels that match. */
export async function listChannels(
  options: TailOptions,
  to: {
    readonly signal: AbortSignal;
    readonly write: (text: string) => void;
  },
): Promise<Outcome> {
  let after: string | null = null;
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
        headers: options.headers,
      });
    } catch (error) {
      if (to.signal.aborted) return { kind: "stopped" };
      const detail = `${options.url} does not answer: ${
        (error as Error).message
      }`;
      return { kind: "broken", detail };
    }
    if (!response.ok) {
      return { kind: "refused", detail: await detailOf(response) };
    }
    const page = await response.json() as {
      channels: Listed[];
      next: string | null;
    };
    to.write(page.channels.map(lineOf).join(""));
    after = page.next;
  } while (after !== null);
  return { kind: "complete" };
}

function lineOf(channel: Listed): string {
  const { name, data_type, sample_rate, publisher, live } = channel;
  const fields = [
    name,
    data_type,
    `${sample_rate} Hz`,
    publisher,
    live ? "live" : "silent",
  ];
  return fields.map(terminalText).join("\t") + "\n";
}
