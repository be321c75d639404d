// Tokens of a token file as text for a terminal: names, grants, limits, expiry, and never a hash.
import { expiryMsOf } from "../auth/expiry.ts";
import { terminalText } from "../text/terminal.ts";
import type { GrantText } from "./options.ts";
import type { StoredToken } from "./token_store.ts";

/** A table, one line a token. */
export function tokenTable(
  tokens: readonly StoredToken[],
  nowMs: number,
): string {
  const rows = [
    ["NAME", "EXPIRES", "MAY"],
    ...tokens.map((token) => [
      token.name,
      expiryText(token, nowMs),
      grantText(token),
    ]),
  ];
  const widths = [0, 1].map((i) =>
    Math.max(...rows.map((row) => row[i]!.length))
  );
  return rows.map(([name, expires, may]) =>
    `${name!.padEnd(widths[0]!)}  ${expires!.padEnd(widths[1]!)}  ${may}\n`
  ).join("");
}

export function expiryText({ expires }: GrantText, nowMs: number): string {
  if (expires === undefined) return "never";
  return expiryMsOf(expires) <= nowMs ? `${expires} (over)` : expires;
}

/** What a token may do, in words. */
export function grantText(grant: GrantText): string {
  const { read, publish = [], operate } = grant;
  const { clients_max, histories_max, share_percent } = grant;
  const rules = read === "all"
    ? ["read all"]
    : read.map(({ match, publisher }) => {
      const names = match === undefined ? "" : ` ${match}`;
      const of = publisher === undefined ? "" : ` of publisher ${publisher}`;
      return `read${names}${of}`;
    });
  const limit = (value: number | undefined, text: string) =>
    value === undefined ? [] : [`${text} ${value}`];
  const parts = [
    ...rules,
    ...(publish === "all" ? ["publish as all"] : []),
    ...(publish === "all" ? [] : publish.map((name) => `publish as ${name}`)),
    ...(operate ? ["operate"] : []),
    ...(grant.relay ? ["relay"] : []),
    ...limit(clients_max, "at most clients:"),
    ...limit(histories_max, "at most histories:"),
    ...limit(share_percent, "at most percent of what is left:"),
  ];
  return terminalText(parts.join("; ") || "nothing by itself");
}
