// Channel names in headers, which can hold ASCII only: percent-encoded UTF-8, and file names by RFC 6266.
// Invariant: the results are printable ASCII, for any name.

/** How much of a channel's name a file name may have; a file name may have 255 bytes. */
const CHANNEL_CHARACTERS_MAX = 100;
const CHANNEL_BYTES_MAX = 180;
const encoder = new TextEncoder();

/** A name, percent-encoded. Names of ASCII letters, digits and `-._~!*'():` stay as they are. */
export function headerText(name: string): string {
  return encodeURIComponent(name.toWellFormed()).replaceAll("%3A", ":");
}

/** The name that {@linkcode headerText} encoded; undefined where the text is not valid. */
export function textOfHeader(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}

/**
 * `Content-Disposition` of a file whose name is the channel's, shortened to what a file system takes, and `rest`.
 * Characters that a file name should not have become `_`, as do dots and dashes at its beginning: such files would be
 * hidden, or taken for flags. Letters beyond ASCII are kept in `filename*`.
 */
export function attachment(channel: string, rest: string): string {
  const name = beginningOf(channel.toWellFormed()) + rest;
  const plain = fileName(name, /[^\w.-]/gu);
  const full = fileName(name, /[^\p{L}\p{M}\p{N}_.-]/gu);
  const extended = full === plain
    ? ""
    : `; filename*=UTF-8''${encodeURIComponent(full)}`;
  return `attachment; filename="${plain}"${extended}`;
}

function fileName(text: string, unwanted: RegExp): string {
  return text.replace(unwanted, "_")
    .replace(/^[.-]+/, (start) => "_".repeat(start.length));
}

/** As many whole characters as a file name has room for. */
function beginningOf(name: string): string {
  const characters = [...name].slice(0, CHANNEL_CHARACTERS_MAX).join("");
  const { read } = encoder.encodeInto(
    characters,
    new Uint8Array(CHANNEL_BYTES_MAX),
  );
  return characters.slice(0, read);
}
