// Makes the source of a relay that the settings describe.
import type { Catalog } from "../channels/catalog.ts";
import { readNamedFile } from "../files/named_file.ts";
import { UpstreamSource } from "../relay/upstream_source.ts";
import type { HealthSettings } from "../settings/health_settings.ts";
import type { RelaySettings } from "../settings/relay_settings.ts";
import type { Logger } from "../telemetry/log.ts";

/** Rejects when the file of the token cannot be read. */
export async function upstreamSourceOf(
  config: RelaySettings & Pick<HealthSettings, "readyGraceMs">,
  catalog: Catalog,
  log: Logger,
): Promise<UpstreamSource> {
  const { upstream, upstreamToken, upstreamTokenFile, readyGraceMs } = config;
  const token = upstreamTokenFile === ""
    ? () => Promise.resolve(upstreamToken)
    : async () =>
      (await readNamedFile("--upstream-token-file", upstreamTokenFile)).trim();
  await token();
  return new UpstreamSource({
    addresses: upstream,
    catalog,
    log,
    token,
    readyGraceMs,
  });
}
