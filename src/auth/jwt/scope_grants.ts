// What the scopes of a JWT allow where no policy says it: `arrakis.read:/` all channels, `arrakis.read:/PUBLISHER` those of
// a publisher, `arrakis.read:/PUBLISHER/NAME` one channel, `arrakis.create:/PUBLISHER` to publish as a publisher,
// `qanat.operate` what operators may do, `qanat.relay` to read whole blocks as a relay.
// Arrakis itself only checks `arrakis.read:/` and `arrakis.create:/PUBLISHER` (arrakis_server/auth/scitoken.py), so the
// first segment of a path is a publisher.
import type { Claims } from "../claims.ts";
import { Grant } from "../grant.ts";
import { ReadRule } from "../read_rule.ts";
import { scopePaths } from "./scope_path.ts";

const READ = "arrakis.read";
const CREATE = "arrakis.create";
const OPERATE = "qanat.operate";
/** The scope that a relay needs in addition to its right to read. */
export const RELAY_SCOPE = "qanat.relay";

/** The scope that allows to read everything. */
export const READ_ALL_SCOPE: string = `${READ}:/`;

/** The scope that allows to publish as a publisher. */
export function createScope(publisher: string): string {
  return `${CREATE}:/${publisher}`;
}

/** The grant of a JWT's scopes, which may be empty; null for all other credentials. */
export function grantOfScopes({ kind, scopes }: Claims): Grant | null {
  if (kind !== "jwt") return null;
  const paths = scopePaths(scopes);
  const reads = paths.filter(({ action }) => action === READ);
  const isOperator = paths.some(({ action, path }) =>
    action === OPERATE && path === "/"
  );
  const isRelay = paths.some(({ action, path }) =>
    action === RELAY_SCOPE && path === "/"
  );
  const readsAll = reads.some(({ path }) => path === "/");
  return new Grant({
    read: readsAll
      ? "all"
      : reads.map(({ path }) => ruleOf(path)).filter((rule) => rule !== null),
    publish: publishOf(
      paths.filter(({ action }) => action === CREATE).map(({ path }) => path),
    ),
    isOperator,
    isRelay,
  });
}

/** `/PUBLISHER/` and `/PUBLISHER/NAME` name what is below a publisher: they allow nothing. */
function publishOf(paths: readonly string[]): "all" | string[] {
  if (paths.includes("/")) return "all";
  return paths.map((path) => path.slice(1)).filter((id) => !id.includes("/"));
}

/** The rule of `/PUBLISHER`, `/PUBLISHER/` or `/PUBLISHER/NAME`; null for a path below a channel. */
function ruleOf(path: string): ReadRule | null {
  const [, exactPublisher, ...rest] = path.split("/");
  const exactName = rest.join("/");
  if (exactName === "") return new ReadRule({ exactPublisher });
  // `/PUBLISHER/NAME/` names what is below a channel, and nothing is.
  return exactName.endsWith("/")
    ? null
    : new ReadRule({ exactPublisher, exactName });
}
