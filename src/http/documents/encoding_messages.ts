// What the documents say about rows in each encoding of events, from the table ENCODINGS.
// Invariant: each encoding has a message in AsyncAPI (test/http/documents/asyncapi_test.ts).
import {
  ENCODINGS,
  ROW_ENCODINGS,
  type RowEncoding,
  STREAM_FORMATS,
} from "../../frames/stream_format.ts";
import type { Schema } from "./api_document.ts";

/** The message of a row in one encoding, without its headers. */
interface RowMessage {
  readonly title: string;
  readonly summary: string;
  readonly contentType: string;
  readonly payload: Schema;
}

/** What the data of a row's event is. */
export function contentOf(encoding: RowEncoding): string {
  const { content } = ENCODINGS[encoding];
  return isBase64(encoding) ? `${content} in base64` : content;
}

/** Name of the message of a row: `row` for JSON, which is the default, else `arrowRow`. */
export function rowMessageName(encoding: RowEncoding): string {
  return encoding === "json" ? "row" : `${encoding}Row`;
}

/** The messages of rows in all encodings except JSON, whose rows and bins have schemas of their own. */
export function otherRowMessages(): Map<string, RowMessage> {
  const messages = new Map<string, RowMessage>();
  for (const encoding of ROW_ENCODINGS) {
    if (encoding === "json") continue;
    const { name, content, contentType } = ENCODINGS[encoding];
    const description = content[0]!.toUpperCase() + content.slice(1);
    messages.set(rowMessageName(encoding), {
      title: `row in ${name}`,
      summary:
        `The samples of all selected channels at one time, or a bin of trends, \`encoding=${encoding}\``,
      contentType,
      payload: isBase64(encoding)
        ? {
          type: "string",
          pattern: "^[A-Za-z0-9+/]+={0,2}$",
          contentEncoding: "base64",
          description,
        }
        : { type: "string", description },
    });
  }
  return messages;
}

function isBase64(encoding: RowEncoding): boolean {
  return STREAM_FORMATS[ENCODINGS[encoding].format].isBase64;
}
