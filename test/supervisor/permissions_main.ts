// The process of src/main.ts with permissions_probe.ts as its worker, which may also load this folder.
import { parseConfig } from "../../src/config.ts";
import { superviseProcess } from "../../src/supervisor/process.ts";

superviseProcess({
  parsed: parseConfig(Deno.args, {}),
  startWorker: (permissions) =>
    new Worker(new URL("./permissions_probe.ts", import.meta.url), {
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
    }),
  startIngest: () => {
    throw new Error("one thread reads and serves here");
  },
});
