// Errors as Arrow Flight reports them: a status of gRPC, and what pyarrow needs to raise the right class.
// Invariant: a message is one line of text; header values are ASCII.
import { terminalText } from "../text/terminal.ts";

/** What went wrong, as the class that pyarrow raises: Flight…Error. */
export type FlightFault =
  | "internal"
  | "server"
  | "flight"
  | "unavailable"
  | "unauthenticated"
  | "unauthorized"
  | "unimplemented"
  | "exhausted"
  | "invalid";

interface Traits {
  /** Status of gRPC. */
  readonly grpc: number;
  /** Code of Arrow's status: 4 invalid, 5 I/O error, 6 capacity, 9 unknown, 10 not implemented. */
  readonly arrow: number;
  /** Detail of Arrow's status; null for none. */
  readonly detail: string | null;
  /** What is before the message. */
  readonly prefix: string;
}

const FAULTS: Readonly<Record<FlightFault, Traits>> = {
  internal: io(13, "Internal"),
  server: io(2, "Failed"),
  flight: { grpc: 2, arrow: 9, detail: null, prefix: "Flight error: " },
  unavailable: io(14, "Unavailable"),
  unauthenticated: io(16, "Unauthenticated"),
  unauthorized: io(7, "Unauthorized"),
  unimplemented: { grpc: 12, arrow: 10, detail: null, prefix: "" },
  exhausted: { grpc: 8, arrow: 6, detail: null, prefix: "" },
  invalid: { grpc: 3, arrow: 4, detail: null, prefix: "" },
};

function io(grpc: number, detail: string): Traits {
  return { grpc, arrow: 5, detail, prefix: "" };
}

/** A call that is refused or has failed. */
export class FlightError extends Error {
  override name = "FlightError";
  readonly fault: FlightFault;

  constructor(fault: FlightFault, message: string) {
    // A request's text in it may be shown in a terminal.
    super(terminalText(message));
    this.fault = fault;
  }

  /** Status of gRPC. */
  get grpcStatus(): number {
    return FAULTS[this.fault].grpc;
  }

  /** The trailers that end the call. */
  get trailers(): Record<string, string> {
    const { grpc, arrow, detail, prefix } = FAULTS[this.fault];
    const message = prefix + this.message;
    const shown = detail === null ? message : `${message}. Detail: ${detail}`;
    return {
      "grpc-status": String(grpc),
      "grpc-message": percentEncoded(shown),
      "x-arrow-status": String(arrow),
      "x-arrow-status-message-bin": encodeBase64(message),
      ...(detail === null
        ? {}
        : { "x-arrow-status-detail-bin": encodeBase64(detail) }),
    };
  }
}

/** Trailers of a call that has succeeded. */
export const OK_TRAILERS: Readonly<Record<string, string>> = {
  "grpc-status": "0",
};

/** In the form of gRPC: printable ASCII without `%`, the rest as UTF-8 with escapes. */
function percentEncoded(text: string): string {
  let encoded = "";
  for (const byte of new TextEncoder().encode(text)) {
    encoded += byte >= 0x20 && byte <= 0x7e && byte !== 0x25
      ? String.fromCharCode(byte)
      : `%${byte.toString(16).toUpperCase().padStart(2, "0")}`;
  }
  return encoded;
}

/** UTF-8 in base64 without padding: the value of a header whose name ends with -bin. */
function encodeBase64(text: string): string {
  return new TextEncoder().encode(text).toBase64({ omitPadding: true });
}
