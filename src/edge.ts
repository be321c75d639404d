// For runtimes without sockets, such as `deno serve src/edge.ts`: the embedded source behind a fetch handler. It needs no
// permission.
import { createApp } from "../mod.ts";

const app = await createApp();

export default { fetch: app.fetch };
