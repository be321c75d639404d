// `deno task sbom`: prints a software bill of materials (CycloneDX 1.6, JSON) of what `deno task start` runs.
import { sbomOf } from "./supply/sbom_document.ts";
import { startPackages } from "./supply/start_packages.ts";
import { helpOrExit } from "../src/settings/command.ts";
import { HELP_FLAG } from "../src/settings/command_help.ts";

const ROOT = new URL("..", import.meta.url);

helpOrExit({
  task: "sbom",
  does: "Print a bill of materials of what start runs (CycloneDX, JSON)",
  usage: ["> sbom.json"],
  flags: HELP_FLAG,
}, Deno.args);

const { version, license } = JSON.parse(
  await Deno.readTextFile(new URL("deno.json", ROOT)),
) as { version: string; license: string };
const [, denoVersion] = /^FROM denoland\/deno:(\S+)/m.exec(
  await Deno.readTextFile(new URL("Dockerfile", ROOT)),
)!;
const document = await sbomOf({
  name: "qanat",
  version,
  licence: license,
  denoVersion: denoVersion!,
}, await startPackages(ROOT));
const bytes = new TextEncoder().encode(
  JSON.stringify(document, null, 2) + "\n",
);
for (let at = 0; at < bytes.byteLength;) {
  at += await Deno.stdout.write(bytes.subarray(at));
}
