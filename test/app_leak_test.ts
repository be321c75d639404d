// The whole app opens and closes under Deno's own leak sanitizers, which see only Deno.test.
import { createApp } from "../mod.ts";

Deno.test({
  name: "createApp() leaves no timer, op or resource behind",
  sanitizeOps: true,
  sanitizeResources: true,
  fn: async () => {
    const app = await createApp();
    const response = await app.fetch(
      new Request("http://localhost/v1/events?match=H1:QANAT"),
    );
    const reader = response.body!.getReader();
    for (let i = 0; i < 3; i++) await reader.read();
    await reader.cancel();
    await app.close();
  },
});
