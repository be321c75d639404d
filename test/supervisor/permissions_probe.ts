// Tries what a package that has turned bad would try, and prints how Deno answers each.
// In a worker it sends the answers to its supervisor instead.

const answers: Record<string, string> = {};

/** Notes whether a call is allowed. Whether it succeeds does not matter. */
function attempt(name: string, call: () => unknown): void {
  try {
    const value = call();
    answers[name] = value === undefined ? "allowed" : String(value);
  } catch (error) {
    const { name: kind } = error as Error;
    answers[name] = kind === "NotCapable" ? kind : "allowed";
  }
}

attempt("read /dev/null", () => Deno.openSync("/dev/null").close());
attempt("read deno.lock", () => void Deno.readTextFileSync("deno.lock"));
attempt("read /etc/hosts", () => void Deno.readTextFileSync("/etc/hosts"));
attempt("write", () => Deno.writeTextFileSync("/tmp/qanat-probe", ""));
for (const port of [8080, 8079]) {
  attempt(
    `listen ${port}`,
    () => Deno.listen({ hostname: "127.0.0.1", port }).close(),
  );
}
try {
  (await Deno.connect({ hostname: "127.0.0.2", port: 9 })).close();
} catch (error) {
  answers["connect elsewhere"] = (error as Error).name;
}
attempt("variable PATH", () => Deno.env.get("PATH") ?? "unset");
attempt("hostname", () => void Deno.hostname());
attempt("run", () => void new Deno.Command("true").outputSync());

const text = JSON.stringify(answers) + "\n";
const scope = self as unknown as { postMessage?(message: unknown): void };
if (scope.postMessage) {
  scope.postMessage({ kind: "exit", code: 0, complaint: text });
} else {
  await Deno.stdout.write(new TextEncoder().encode(text));
}
