// The flags of `deno task token`, and its help text.
import { EXPIRY_RIGHT } from "../auth/expiry.ts";
import { type CommandHelp, LAST_FLAGS } from "../settings/command_help.ts";

/** The flags of all its commands. */
export const TOKEN_FLAGS = {
  file: {
    type: "string",
    unit: "FILE",
    help: "the token file; `add` makes it if it does not exist",
    preset: "the variable QANAT_AUTH_TOKEN_FILE",
  },
  read: {
    type: "string",
    group: "What the token may do, one of these at least",
    unit: "all|none",
    help: "every channel, or none but those that the policy file grants",
  },
  match: {
    type: "string",
    multiple: true,
    unit: "RE2",
    help: "channels whose whole name matches; may be given several times",
  },
  publisher: {
    type: "string",
    multiple: true,
    unit: "RE2",
    help:
      "after a --match: only channels of publishers whose whole name matches",
  },
  publish: {
    type: "string",
    multiple: true,
    unit: "all|NAME",
    help:
      "publish as any publisher, or as this one; may be given several times",
  },
  operate: {
    type: "boolean",
    help: "what operators do: metrics, status, the list of clients",
  },
  relay: {
    type: "boolean",
    help: "read whole blocks, as a relay does (with --read or --match)",
  },
  expires: {
    type: "string",
    group: "Limits",
    unit: "TIME",
    help: `${EXPIRY_RIGHT}, or a number of days such as 90d`,
    preset: "never",
  },
  "clients-max": {
    type: "string",
    unit: "N",
    help: "its streams at one time",
    preset: "as the service limits all",
  },
  "histories-max": {
    type: "string",
    unit: "N",
    help: "its histories at one time",
    preset: "as the service limits all",
  },
  "share-percent": {
    type: "string",
    unit: "N",
    help: "its largest share of what is left of each shared resource",
    preset: "as the service limits all",
  },
  ...LAST_FLAGS,
} as const;

export const TOKEN_HELP: CommandHelp = {
  task: "token",
  does: "Make, list and revoke the tokens of a token file",
  usage: [
    "add NAME [flags] --file FILE",
    "list --file FILE",
    "revoke NAME --file FILE",
  ],
  flags: TOKEN_FLAGS,
  more:
    `--auth-token-file of a service names the token file. Services read it again when it changes: a new token works,
and a revoked one ends, within a second. \`add\` prints the token on standard output, once, and nothing else there:
  TOKEN=$(npx -y deno task token add alice --read all --file tokens.json)
The file contains only its hash.`,
};
