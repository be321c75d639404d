// Which texts a stream has besides its rows, by format.
import { LineStreamText } from "./line_stream_text.ts";
import { isLineFormat } from "./stream_format.ts";
import { StreamText, type StreamTextOptions } from "./stream_text.ts";

/** The texts of a selection in a format. */
export function streamTextOf(options: StreamTextOptions): StreamText {
  const { format } = options;
  return isLineFormat(format)
    ? new LineStreamText({ ...options, format })
    : new StreamText(options);
}
