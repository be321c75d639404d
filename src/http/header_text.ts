// Names of channels in headers, which carry Latin-1 at best: percent-encoded UTF-8, and file names by RFC 6266.
// Invariant: what is made here is printable ASCII, whatever the name.

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

/** `Content-Disposition` of a file. What a file's name should not have is `_`; letters beyond ASCII in `filename*`. */
export function attachment(name: string): string {
  const plain = name.replace(/[^\w.-]/gu, "_");
  const full = name.toWellFormed().replace(/[^\p{L}\p{M}\p{N}_.-]/gu, "_");
  const extended = full === plain
    ? ""
    : `; filename*=UTF-8''${encodeURIComponent(full)}`;
  return `attachment; filename="${plain}"${extended}`;
}
