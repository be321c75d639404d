// The process of src/main.ts with several workers, of which one thread is group_probe.ts:
// group_probe_main.ts serving|reading TOKEN_FILE BROKER_PORT [settings of Qanat].
import { parseConfig } from "../../src/config.ts";
import { superviseProcess } from "../../src/supervisor/process.ts";

const [probed, token, broker, ...args] = Deno.args;

function started(
  as: string,
  permissions: Deno.PermissionOptionsObject,
): Worker {
  const url = new URL("./group_probe.ts", import.meta.url);
  url.search = String(
    new URLSearchParams({ as, token: token!, broker: broker! }),
  );
  return new Worker(url, {
    type: "module",
    deno: {
      permissions: {
        ...permissions,
        read: [
          ...permissions.read as (string | URL)[],
          new URL(".", import.meta.url),
        ],
      },
    },
  });
}

superviseProcess({
  parsed: parseConfig(args, Deno.env.toObject()),
  startWorker: (permissions) => started("probe", permissions),
  startIngest: (permissions) =>
    started(probed === "reading" ? "probe" : "reader", permissions),
});
