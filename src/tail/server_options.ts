// Where `tail` finds the server, and who it is there: flags, variables and user of the URL.
// Invariant: no message shows a password or a token.
import { resolve } from "node:path";
import { FlagError } from "../settings/flags.ts";
import { shownValue } from "../settings/shown.ts";
import { Credential, type CredentialSource, isSendable } from "./credential.ts";

export const URL_DEFAULT = "http://127.0.0.1:8080";

/** `deno task` runs in the clone; a path is relative to the folder from which it was called, which is in INIT_CWD. */
export function callersPath(path: string, folder = "."): string {
  return resolve(folder, path);
}

/** The address without user and password, and the credential. Throws {@linkcode FlagError}. */
export function serverOf(
  urlFlag: string | undefined,
  tokenFile: string | undefined,
  env: Readonly<Record<string, string | undefined>>,
): { readonly url: string; readonly credential: Credential } {
  const { url, user } = urlFlag !== undefined
    ? addressOf("--url", urlFlag)
    : addressOf("QANAT_URL", env.QANAT_URL || URL_DEFAULT);
  const source = sourceOf(user, tokenFile, env);
  return { url, credential: new Credential(source) };
}

/** Splits a URL into the address and its user and password. `from`: the flag or variable that has it. */
function addressOf(
  from: string,
  text: string,
): { readonly url: string; readonly user: string } {
  const url = URL.canParse(text) ? new URL(text) : null;
  const isPlain = url !== null && /^https?:$/.test(url.protocol) &&
    url.search === "" && url.hash === "";
  if (!isPlain) {
    throw new FlagError(
      `${from} must be such as ${URL_DEFAULT}, not ${shownValue(text)}`,
    );
  }
  const { username, password } = url;
  url.username = url.password = "";
  const address = url.href.replace(/\/+$/, "");
  if (username === "" && password === "") return { url: address, user: "" };
  try {
    const user = `${decodeURIComponent(username)}:${
      decodeURIComponent(password)
    }`;
    return { url: address, user };
  } catch {
    throw new FlagError(
      `${from} must have user and password percent-encoded: a % is %25`,
    );
  }
}

/** `user`: that of the URL, or "". The flag wins over the variable. */
function sourceOf(
  user: string,
  tokenFile: string | undefined,
  env: Readonly<Record<string, string | undefined>>,
): CredentialSource {
  const { QANAT_TOKEN: token = "", INIT_CWD: folder } = env;
  const from = tokenFile !== undefined ? "--token-file" : "QANAT_TOKEN";
  if (user !== "") {
    if (tokenFile === undefined && token === "") return { kind: "basic", user };
    throw new FlagError(
      `Give user and password in the URL or ${from}, not both: one header carries either`,
    );
  }
  if (tokenFile !== undefined) {
    if (/\p{Cc}/u.test(tokenFile)) {
      throw new FlagError("--token-file must be without control characters");
    }
    return { kind: "token-file", path: callersPath(tokenFile, folder) };
  }
  if (token === "") return { kind: "none" };
  if (isSendable(token)) return { kind: "token", token };
  throw new FlagError(
    "QANAT_TOKEN must be a token: printable ASCII characters without blanks",
  );
}
