// Settings of JWTs: their issuers, where the keys of these are, and whom tokens are meant for.
// Invariant: an accepted issuer can be fetched from, by https, or by http on this machine alone.
import { isBroker } from "./addresses.ts";
import { list } from "./readers.ts";
import { type Setting, SettingError } from "./setting.ts";

const ITEMS_MAX = 16;
const ISSUER_CHARS_MAX = 512;
const AUDIENCE_CHARS_MAX = 255;
const CLAIM_CHARS_MAX = 128;
/** SciTokens: the audience of a token for any service, which is accepted in any case. */
export const ANY_AUDIENCE = "ANY";
const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/;

/** Issuers, written as tokens name them. */
export function issuers(help: string): Setting<readonly string[]> {
  const each = limited(
    list(
      "URL,…",
      help,
      (item) =>
        isIssuer(item)
          ? null
          : "a list of https addresses without query, such as https://issuer.example.org/realm " +
            "(http on this machine alone)",
    ),
  );
  const connects = (values: readonly string[]) => ({
    addresses: values.map((value) => hostAndPort(new URL(value))),
    others: null,
  });
  return { ...each, connects };
}

/** Servers that may hold keys, in addition to the issuers' own. */
export function keyHosts(help: string): Setting<readonly string[]> {
  const unit = "HOST:PORT,…";
  const each = limited(
    list(unit, help, (item) => isBroker(item) ? null : unit),
  );
  return { ...each, connects: (addresses) => ({ addresses, others: null }) };
}

/** Whom accepted tokens are meant for. */
export function audiences(help: string): Setting<readonly string[]> {
  return limited(list("TEXT,…", help, (item) => {
    if (item === ANY_AUDIENCE) {
      return `a list without ${ANY_AUDIENCE}: tokens for any audience are accepted in any case`;
    }
    return item.length <= AUDIENCE_CHARS_MAX
      ? null
      : `a list of texts of at most ${AUDIENCE_CHARS_MAX} characters`;
  }));
}

/** The name of a claim, or a path to it with dots. */
export function claim(preset: string, help: string): Setting<string> {
  const read = (value: string) => {
    if (value.length <= CLAIM_CHARS_MAX) return value;
    throw new SettingError(
      `the name of a claim, at most ${CLAIM_CHARS_MAX} characters`,
    );
  };
  return { preset, unit: "TEXT", help, read };
}

/** Whether a URL may be fetched: https, or http on this machine; without user, password and fragment. */
export function isFetchable(
  { protocol, hostname, username, password, hash }: URL,
): boolean {
  const isSafe = protocol === "https:" ||
    protocol === "http:" && LOOPBACK.test(hostname);
  return isSafe && username === "" && password === "" && hash === "";
}

/** `HOST:PORT` of a URL. */
export function hostAndPort({ hostname, port, protocol }: URL): string {
  return `${hostname}:${port || (protocol === "http:" ? 80 : 443)}`;
}

function isIssuer(text: string): boolean {
  if (text.length > ISSUER_CHARS_MAX || /[\s?#\\]/.test(text)) return false;
  return URL.canParse(text) && isFetchable(new URL(text));
}

function limited(
  setting: Setting<readonly string[]>,
): Setting<readonly string[]> {
  const read = (value: string) => {
    const items = setting.read(value);
    if (items.length <= ITEMS_MAX) return items;
    throw new SettingError(`a list of at most ${ITEMS_MAX}`, "");
  };
  return { ...setting, read };
}
