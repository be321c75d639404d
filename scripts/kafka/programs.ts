// Runs programs for the Kafka broker, and finds those that can run one.

/** Runs a program to its end; `text` is all that it printed. */
export async function run(
  command: string,
  args: readonly string[],
  cwd?: string,
): Promise<{ ok: boolean; text: string }> {
  try {
    const { success, stdout, stderr } = await new Deno.Command(command, {
      args: [...args],
      stdin: "null",
      ...(cwd ? { cwd } : {}),
    }).output();
    const decoder = new TextDecoder();
    return {
      ok: success,
      text: decoder.decode(stdout) + decoder.decode(stderr),
    };
  } catch (error) {
    return { ok: false, text: String(error) };
  }
}

/** A container engine that answers, or null. */
export async function containerEngine(): Promise<string | null> {
  for (const engine of ["docker", "podman"]) {
    if ((await run(engine, ["info"])).ok) return engine;
  }
  return null;
}

/** Whether Java and Maven are here. */
export async function hasJava(): Promise<boolean> {
  return (await run("java", ["-version"])).ok && (await run("mvn", ["-v"])).ok;
}
