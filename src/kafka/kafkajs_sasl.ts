// Authenticates with SASL: turns the settings of a mechanism into those of kafkajs.
// Invariant: a token is read from its file at each authentication, and a refused token is an error.
import { Buffer } from "node:buffer";
import { readNamedFile } from "../files/named_file.ts";

export interface KafkaSasl {
  readonly mechanism:
    | "plain"
    | "scram-sha-256"
    | "scram-sha-512"
    | "oauthbearer";
  readonly username: string;
  readonly password: string;
  /** Read at each authentication, so that a renewed token is used. */
  readonly tokenFile: string;
}

/** Sends one SASL message and returns the answer: an int32 length, then its bytes. */
interface Exchange {
  (message: {
    request: { encode(): Promise<Buffer> };
    response: {
      decode(bytes: Buffer): Promise<Buffer>;
      parse(bytes: Buffer): Buffer;
    };
  }): Promise<Buffer>;
}

const LENGTH_BYTES = 4;
const REFUSAL_CHARS_MAX = 200;

/** kafkajs's `sasl` setting. */
export function saslOf(sasl: KafkaSasl): unknown {
  const { mechanism, username, password, tokenFile } = sasl;
  if (mechanism !== "oauthbearer") return { mechanism, username, password };
  return {
    mechanism,
    authenticationProvider: (
      { saslAuthenticate }: { saslAuthenticate: Exchange },
    ) => ({ authenticate: () => sendToken(tokenFile, saslAuthenticate) }),
  };
}

/**
 * The exchange of RFC 7628. A broker refuses a token with an answer that is not empty; kafkajs's own implementation
 * takes that for success, and then reads the error of the next request as a cluster without brokers and topics.
 */
async function sendToken(tokenFile: string, exchange: Exchange): Promise<void> {
  const text = await readNamedFile("--kafka-token-file", tokenFile);
  const token = text.trim();
  if (token === "") throw new Error("the file of --kafka-token-file is empty");
  const message = Buffer.from(`n,,\x01auth=Bearer ${token}\x01\x01`);
  const length = Buffer.alloc(LENGTH_BYTES);
  length.writeInt32BE(message.byteLength);
  const answer = await exchange({
    request: {
      encode: () => Promise.resolve(Buffer.concat([length, message])),
    },
    response: {
      decode: (bytes) => Promise.resolve(bytes),
      parse: (bytes) => bytes,
    },
  });
  const refusal = answer.toString("utf8", LENGTH_BYTES);
  if (refusal === "") return;
  throw new Error(
    `Authentication: the broker refused the token of --kafka-token-file: ${
      refusal.replaceAll(token, "***").slice(0, REFUSAL_CHARS_MAX)
    }`,
  );
}
