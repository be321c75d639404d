// `deno task token`: makes, lists and revokes the tokens of a token file.
// Invariant: standard output has the new token, or the list, and nothing else; a token is written nowhere else.
import { resolve } from "node:path";
import { terminalText } from "./text/terminal.ts";
import { optionsOrExit } from "./settings/command.ts";
import { parseToken, type TokenOptions } from "./token/options.ts";
import { TOKEN_HELP } from "./token/token_flags.ts";
import { expiryText, grantText, tokenTable } from "./token/token_text.ts";
import { TokenStore, TokenStoreError } from "./token/token_store.ts";

const encoder = new TextEncoder();

function writeAll(
  to: { writeSync(bytes: Uint8Array): number },
  text: string,
): void {
  let bytes = encoder.encode(text);
  while (bytes.byteLength > 0) bytes = bytes.subarray(to.writeSync(bytes));
}

function warn(text: string): void {
  try {
    writeAll(Deno.stderr, text);
  } catch { /* There is no other place to report it. */ }
}

async function run(options: TokenOptions): Promise<void> {
  // `deno task` runs in the clone; the path is relative to the folder from which it was called.
  const file = resolve(Deno.env.get("INIT_CWD") ?? ".", options.file);
  const store = new TokenStore(file);
  if (options.command === "list") {
    writeAll(Deno.stdout, tokenTable(await store.list(), Date.now()));
    return;
  }
  const { name } = options;
  const where = terminalText(file);
  if (options.command === "revoke") {
    await store.revoke(name);
    return warn(
      `Revoked the token '${name}' in ${where}. Services that read this file end its streams within a second.\n`,
    );
  }
  const { grant } = options;
  const token = await store.add(name, grant);
  warn(
    `Added the token '${name}' to ${where}. It may: ${
      grantText(grant)
    }. It expires: ${expiryText(grant, Date.now())}.\n` +
      "The token follows on standard output. It cannot be shown again.\n",
  );
  writeAll(Deno.stdout, token + "\n");
}

async function main(): Promise<number> {
  const options = optionsOrExit(
    TOKEN_HELP,
    parseToken(
      Deno.args,
      Deno.env.get("QANAT_AUTH_TOKEN_FILE"),
      Date.now(),
    ),
  );
  try {
    await run(options);
    return 0;
  } catch (error) {
    const { message } = error as Error;
    if (error instanceof TokenStoreError) warn(terminalText(message) + "\n");
    else warn(`Cannot write to standard output: ${terminalText(message)}\n`);
    return error instanceof TokenStoreError ? 2 : 1;
  }
}

Deno.exit(await main());
