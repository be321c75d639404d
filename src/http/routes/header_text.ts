// Names of channels in headers, which carry Latin-1 at best: percent-encoded UTF-8, and file names by RFC 6266.
// Invariant: what is made here is printable ASCII, whatever the name.

/** Most of a channel's name in the name of a file, which may have 255 bytes. */
const CHANNEL_CHARACTERS_MAX = 100;
const CHANNEL_BYTES_MAX = 180;
const encoder = new TextEncoder();

/** A name in a header. Those of plain ASCII letters, digits and `-._~!*'():` stay as they are. */
export function headerText(name: string): string {
  return encodeURIComponent(name.toWellFormed()).replaceAll("%3A", ":");
}

/** The name that {@linkcode headerText} was given; undefined where the text is not one of its making. */
export function textOfHeader(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}

/**
 * `Content-Disposition` of a file: the channel's part of its name, cut to what a file system takes, and `rest`. What a file's name should not have is `_`, as are dots and dashes that it would begin with: such files are
 * hidden, or taken for flags. Letters beyond ASCII stand in `filename*`.
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

/** As many whole characters as a file's name has room for. */
function beginningOf(name: string): string {
  const characters = [...name].slice(0, CHANNEL_CHARACTERS_MAX).join("");
  const { read } = encoder.encodeInto(
    characters,
    new Uint8Array(CHANNEL_BYTES_MAX),
  );
  return characters.slice(0, read);
}
