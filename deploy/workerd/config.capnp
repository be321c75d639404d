# Qanat as a relay in workerd: `deno task edge`, then
#   QANAT_UPSTREAM=https://qanat.example.org npx workerd serve deploy/workerd/config.capnp
# Each setting is an environment variable, which a line in `bindings` passes on.
using Workerd = import "/workerd/workerd.capnp";

const config :Workerd.Config = (
  services = [
    ( name = "qanat", worker = .qanat ),
    # Where upstreams may be. Add "local" for one on this machine.
    ( name = "internet", network = ( allow = ["public", "private"], tlsOptions = ( trustBrowserCas = true ) ) ),
  ],
  sockets = [ ( name = "http", address = "127.0.0.1:8787", http = (), service = "qanat" ) ],
);

const qanat :Workerd.Worker = (
  modules = [ ( name = "worker", esModule = embed "../../dist/edge_worker.js" ) ],
  compatibilityDate = "2026-11-01",
  # The second one: clients that disconnect are noticed.
  compatibilityFlags = ["nodejs_compat", "enable_request_signal"],
  bindings = [
    ( name = "HUB", durableObjectNamespace = "Hub" ),
    # The header in which a proxy before workerd writes the client's address; without it, all clients share the limits
    # of one address.
    ( name = "CLIENT_ADDRESS_HEADER", fromEnvironment = "CLIENT_ADDRESS_HEADER" ),
    ( name = "QANAT_UPSTREAM", fromEnvironment = "QANAT_UPSTREAM" ),
    ( name = "QANAT_UPSTREAM_TOKEN", fromEnvironment = "QANAT_UPSTREAM_TOKEN" ),
    ( name = "QANAT_LOG_LEVEL", fromEnvironment = "QANAT_LOG_LEVEL" ),
  ],
  durableObjectNamespaces = [ ( className = "Hub", uniqueKey = "qanat-hub" ) ],
  # Nothing is stored.
  durableObjectStorage = ( inMemory = void ),
);
