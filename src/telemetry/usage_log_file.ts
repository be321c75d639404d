// The file of a usage log.
import type { Logger } from "./log.ts";
import { UsageLog } from "./usage_log.ts";

/** Appends to the file, which is made if it is not there. Throws an error whose message is for the user. */
export async function openUsageLog(
  path: string,
  log: Logger,
): Promise<UsageLog> {
  const usageLog = new UsageLog({
    log,
    open: () => Deno.open(path, { append: true, create: true, mode: 0o640 }),
  });
  try {
    await usageLog.start();
  } catch (error) {
    throw new Error(
      `Cannot write the file of --usage-log: ${reasonOf(error as Error)}`,
    );
  }
  return usageLog;
}

/** Does not name the file: a user may have given something secret instead of a path. */
function reasonOf({ name }: Error): string {
  if (name !== "NotCapable") return name;
  return "this process has no permission for it. `deno task start` may write to /var/log/qanat; " +
    "--print-permissions prints a command line for other files";
}
