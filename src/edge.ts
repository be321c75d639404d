// For runtimes without sockets: `deno serve src/edge.ts`. Embedded source, StreamOutlet, no permission needed.
import { createApp } from "../mod.ts";

const app = await createApp();

export default { fetch: app.fetch };
