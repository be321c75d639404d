// Makes the source of a relay that the settings describe. It needs Deno only where --upstream-ca is set.
import type { Catalog } from "../channels/catalog.ts";
import { readNamedFile } from "../files/named_file.ts";
import { UpstreamSource } from "../relay/upstream_source.ts";
import type { HealthSettings } from "../settings/health_settings.ts";
import type { RelaySettings } from "../settings/relay_settings.ts";
import type { Logger } from "../telemetry/log.ts";
import { UpstreamToken } from "./upstream_token.ts";

/** Rejects when a file cannot be read, or has no certificate. */
export async function upstreamSourceOf(
  config: RelaySettings & Pick<HealthSettings, "readyGraceMs">,
  catalog: Catalog,
  log: Logger,
): Promise<UpstreamSource> {
  const { upstream, upstreamToken, upstreamTokenFile, upstreamCa } = config;
  const token = upstreamTokenFile === ""
    ? () => Promise.resolve(upstreamToken)
    : new UpstreamToken(upstreamTokenFile, log).read;
  await token();
  return new UpstreamSource({
    addresses: upstream,
    catalog,
    log,
    token,
    readyGraceMs: config.readyGraceMs,
    ...upstreamCa === "" ? {} : { fetch: await fetchTrusting(upstreamCa) },
  });
}

/** `fetch` that trusts the authorities in a file as well. */
async function fetchTrusting(path: string): Promise<typeof fetch> {
  const name = "--upstream-ca";
  const pem = await readNamedFile(name, path);
  const caCerts = pem.match(
    /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g,
  );
  if (caCerts === null) {
    throw new Error(`The file of ${name} has no certificate`);
  }
  const client = Deno.createHttpClient({ caCerts });
  return (input, init) => fetch(input, { ...init, client });
}
