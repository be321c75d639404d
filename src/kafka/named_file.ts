// Reads files that settings name: certificates, keys, tokens.
// Invariant: an error names the setting and never its value, which may be a key or a token instead of a path.

/** The text of a file. Throws an error that names the setting and the reason. */
export async function readNamedFile(
  setting: string,
  path: string,
): Promise<string> {
  try {
    return await Deno.readTextFile(path);
  } catch (error) {
    throw new Error(
      `the file of ${setting} cannot be read: ${reasonOf(error)}`,
    );
  }
}

function reasonOf(error: unknown): string {
  if (error instanceof Deno.errors.NotFound) return "there is no such file";
  if (error instanceof Deno.errors.PermissionDenied) return "permission denied";
  if (error instanceof Deno.errors.IsADirectory) return "it is a directory";
  return "code" in (error as object)
    ? String((error as { code: unknown }).code)
    : (error as Error).name;
}
