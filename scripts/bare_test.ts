// All that a bare `deno test` runs (`test.include` of deno.json): it names the task to use. Deno would add the packages
// of the tests to deno.lock, which every first start then downloads, and would run the suites that need Kafka.
const task =
  "use `deno task test` (paths may follow; --integration for the other suites)";

Deno.test(task, () => {
  throw new Error(task);
});
