// Lets a bare `deno bench` load kafkajs, which reads one environment variable as it is loaded. Import it first.
// deno.json has no permissions for benches: with `bench.permissions` Deno refuses a bare `deno bench`.
import process from "node:process";

const env = await Deno.permissions.query({ name: "env" });
if (env.state !== "granted") {
  Object.defineProperty(process, "env", { value: {} });
}
