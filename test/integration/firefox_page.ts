// A headless Firefox with one page, which reports by itself: nothing drives the browser.
// Invariant: the browser has ended and its profile is removed when the report is there, or was given up.
import { Process } from "./chain.ts";

/** For a busy machine; a script that waits for something gives up, and reports, long before. */
const PATIENCE_MS = 600_000;

/** No first run, no updates, no telemetry, no other hosts. */
const PREFERENCES = {
  "app.normandy.enabled": false,
  "app.update.enabled": false,
  "browser.aboutwelcome.enabled": false,
  "browser.shell.checkDefaultBrowser": false,
  "browser.startup.homepage_override.mstone": "ignore",
  "captivedetect.canonicalURL": "",
  "datareporting.policy.dataSubmissionEnabled": false,
  "extensions.getAddons.cache.enabled": false,
  "extensions.update.enabled": false,
  "network.captive-portal-service.enabled": false,
  "network.connectivity-service.enabled": false,
  "services.settings.server": "",
  "toolkit.telemetry.enabled": false,
};

/** Opens the page that `answer` gives for `/`, and waits for what it posts. */
export async function firefoxReports(
  firefox: string,
  answer: (path: string) => Response,
): Promise<unknown> {
  const { promise: reported, resolve, reject } = Promise.withResolvers<
    unknown
  >();
  const directory = await Deno.makeTempDir({ prefix: "qanat-firefox-" });
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    async (request) => {
      if (request.method === "POST") resolve(await request.json());
      return answer(new URL(request.url).pathname);
    },
  );
  await Deno.writeTextFile(
    `${directory}/user.js`,
    Object.entries(PREFERENCES).map(([name, value]) =>
      `user_pref(${JSON.stringify(name)}, ${JSON.stringify(value)});\n`
    ).join(""),
  );
  const browser = new Process("firefox", firefox, [
    "--headless",
    "--no-remote",
    "--profile",
    directory,
    `http://127.0.0.1:${server.addr.port}/`,
  ]);
  const timer = setTimeout(
    () => reject(new Error(`Firefox reported nothing:\n${browser.log}`)),
    PATIENCE_MS,
  );
  try {
    return await reported;
  } finally {
    clearTimeout(timer);
    await browser.stop();
    await server.shutdown();
    await Deno.remove(directory, { recursive: true });
  }
}
