// Reads files that settings name: certificates, keys, tokens, policies.
// Invariant: an error names the setting and never its value, which may be a key or a token instead of a path.

/** Largest file unless a caller says otherwise, bytes. */
const BYTES_MAX = 1024 * 1024;

/** A file, by the setting that gives its path. */
export interface NamedFile {
  /** Such as `--kafka-ca`. */
  readonly setting: string;
  readonly path: string;
  /** @default 1 MiB */
  readonly bytesMax?: number;
}

/** The text of a file. Throws an error that names the setting and the reason. */
export async function readNamedFile(
  setting: string,
  path: string,
  bytesMax: number = BYTES_MAX,
): Promise<string> {
  let bytes: Uint8Array;
  try {
    // A pipe, for example, could block the reader without end.
    if (!(await Deno.stat(path)).isFile) throw new NotRegularError();
    bytes = await readUpTo(path, bytesMax + 1);
  } catch (error) {
    throw new Error(
      `the file of ${setting} cannot be read: ${reasonOf(error)}`,
    );
  }
  if (bytes.length > bytesMax) {
    throw new Error(
      `the file of ${setting} is larger than ${bytesMax} bytes, which is the most that is read`,
    );
  }
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw new Error(`the file of ${setting} is not UTF-8 text`);
  }
}

class NotRegularError extends Error {}

/** The first bytes of a file: it may grow while it is read. */
async function readUpTo(path: string, bytesMax: number): Promise<Uint8Array> {
  // No stat() of the open file: that needs permission for what a symbolic link points to.
  const file = await Deno.open(path);
  try {
    let bytes: Uint8Array<ArrayBuffer> = new Uint8Array(8192);
    let length = 0;
    for (;;) {
      if (length === bytes.length) bytes = doubled(bytes);
      const read = await file.read(bytes.subarray(length));
      if (read === null) break;
      length += read;
      if (length >= bytesMax) break;
    }
    return bytes.subarray(0, length);
  } finally {
    file.close();
  }
}

function doubled(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const larger = new Uint8Array(2 * bytes.length);
  larger.set(bytes);
  return larger;
}

function reasonOf(error: unknown): string {
  if (error instanceof NotRegularError) return "it is not a regular file";
  if (error instanceof Deno.errors.NotFound) return "there is no such file";
  if (error instanceof Deno.errors.PermissionDenied) return "permission denied";
  if (error instanceof Deno.errors.IsADirectory) return "it is a directory";
  return "code" in (error as object)
    ? String((error as { code: unknown }).code)
    : (error as Error).name;
}
