// Environment variables whose names begin with QANAT_: settings, variables of this repository's tools, and those that
// Kubernetes sets. Invariant: any other one is a mistake and stops the start; no value of a variable is ever shown.
import { terminalText } from "../text/terminal.ts";
import { nearName } from "./near_name.ts";

type Environment = Readonly<Record<string, string | undefined>>;

/** Variables of `deno task tail`, tests and CI; a Qanat that these start inherits them. */
export const TOOL_VARIABLES: readonly string[] = [
  "QANAT_BESIDE",
  "QANAT_CHROMIUM",
  "QANAT_FIREFOX",
  "QANAT_GOLDEN",
  "QANAT_MATRIX_PICTURES",
  "QANAT_PYTHON",
  "QANAT_RELAY",
  "QANAT_REQUIRE",
  "QANAT_SCREENSHOTS",
  "QANAT_FUZZ",
  "QANAT_SECONDS",
  "QANAT_SEED",
  "QANAT_SPECTRA",
  "QANAT_TEST_AGAIN",
  "QANAT_TEST_LANE",
  "QANAT_TEST_SUMMARY",
  "QANAT_TOKEN",
  "QANAT_URL",
  "QANAT_WALKS",
];

const OURS = /^qanat[-_.]/i;
const NAME_CHARS_MAX = 64;
/** What Kubernetes sets in each pod for a Service called `qanat` or `qanat-…`; QANAT_PORT is recognised by its value. */
const SERVICE_LINK =
  /^QANAT(_[A-Z0-9_]+)?_(SERVICE_HOST|SERVICE_PORT(_[A-Z0-9_]+)?|PORT_\d{1,5}_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)$/;
const SERVICE_URL = /^(tcp|udp|sctp):\/\//;

/** Whether Kubernetes has set this for a Service. `QANAT_PORT=tcp://10.0.0.1:80` is not the setting. */
function isServiceLink(name: string, value: string): boolean {
  return SERVICE_LINK.test(name) ||
    /^QANAT_([A-Z0-9_]+_)?PORT$/.test(name) && SERVICE_URL.test(value);
}

/** The values of settings and the names of ignored Kubernetes variables; or what is wrong. */
export function readVariables(
  env: Environment,
  settings: readonly string[],
): {
  readonly values: ReadonlyMap<string, string>;
  readonly passedOver: readonly string[];
} | { readonly wrong: string } {
  const values = new Map<string, string>();
  const passedOver: string[] = [];
  for (const [name, value] of Object.entries(env)) {
    if (value === undefined || !OURS.test(name)) continue;
    if (isServiceLink(name, value)) passedOver.push(name);
    else if (settings.includes(name)) {
      // An empty variable is unset: compose files and shells give missing values so.
      if (value !== "") values.set(name, value);
    } else if (!TOOL_VARIABLES.includes(name)) {
      const near = nearName(name, [...settings, ...TOOL_VARIABLES]);
      const shown = terminalText(name.slice(0, NAME_CHARS_MAX).toWellFormed());
      return {
        wrong: `Unknown variable ${shown}; ` +
          (near === null ? "" : `did you mean ${near}? `) +
          "--help lists what there is",
      };
    }
  }
  return { values, passedOver: passedOver.sort() };
}
