// A channel's text of a row, deflated.
// Invariant: each text is deflated once, however many selections have the channel.
import type { ChannelText } from "./channel_text.ts";
import { crcOf, crcShift } from "./crc32.ts";
import { deflatedPiece } from "./gzip.ts";

const NO_BYTES = new Uint8Array(0);

/** The newest text of one channel in its deflated form; shared by the selections that have the channel. */
export class DeflatedText {
  readonly text: ChannelText;
  /** Whole deflate blocks that refer to nothing before them. */
  bytes: Uint8Array = NO_BYTES;
  /** CRC-32 of the text, and `crcShift()` of its length. */
  crc = 0;
  shift = 0;
  /** Texts deflated since the start. */
  made = 0;
  #stamp = -1;

  constructor(text: ChannelText) {
    this.text = text;
  }

  /** Deflates the text as it is now unless that was done before. */
  make(): void {
    const { bytes, stamp } = this.text;
    if (this.#stamp === stamp) return;
    this.made++;
    this.bytes = deflatedPiece(bytes);
    this.crc = crcOf(bytes);
    this.shift = crcShift(bytes.byteLength);
    this.#stamp = stamp;
  }
}
