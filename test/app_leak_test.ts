// The whole app opens and closes under Deno's own leak sanitizers, which see only Deno.test.
import { createApp } from "../mod.ts";
import { CooperativeScheduler } from "../src/clients/scheduler.ts";
import { ClientGoneError } from "../src/http/limits/limit_error.ts";
import { RequestSlices } from "../src/http/limits/request_slices.ts";

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

Deno.test("a scheduler that is closed before its turn leaves no timer behind", () => {
  const scheduler = new CooperativeScheduler({ sliceMs: 4 });
  scheduler.schedule({ run: () => true });
  scheduler.close();
});

Deno.test("requests that are being computed at the close leave no timer behind", async () => {
  const slices = new RequestSlices({
    sliceMs: 1,
    worksMax: 1,
    workMs: 1000,
    waitMs: 1000,
  });
  const endless = function* () {
    for (;;) yield 1000;
  };
  const answer = Promise.resolve(slices.run(endless()))
    .catch((error) => error instanceof ClientGoneError);
  slices.close();
  if (await answer !== true) throw new Error("it was not ended");
});
