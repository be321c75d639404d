// The messages of an Arrow stream: several rows may be written at once.
import {
  MessageHeader,
  prefixedBytes,
} from "../../src/arrow/message_header.ts";

/** Splits whole messages, schema included. */
export function messagesIn(bytes: Uint8Array): Uint8Array[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const messages: Uint8Array[] = [];
  let at = 0;
  for (;;) {
    const headBytes = prefixedBytes(view, at);
    if (headBytes < 0) return messages;
    const end = at + headBytes + new MessageHeader(view, at).bodyBytes;
    messages.push(bytes.subarray(at, end));
    at = end;
  }
}
