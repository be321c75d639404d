// Names of others as cells of a CSV file.

/**
 * A name as a cell. Spreadsheets run text that begins with = + - @, or their full-width forms, as a formula, also after a
 * semicolon, tab or line break where these separate cells; an apostrophe before it prevents that. Usual names, such as
 * H1:A-B_C, stay unchanged.
 */
export function csvCell(text: string): string {
  const inert = text.replace(
    /(?<=^|[;,|\t\r\n])(?=[=+\-@\uff1d\uff0b\uff0d\uff20\t\r\n])/g,
    "'",
  );
  return /^[\w:.-]*$/.test(inert) ? inert : `"${inert.replaceAll('"', '""')}"`;
}
