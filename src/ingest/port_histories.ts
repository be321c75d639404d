// Histories that another thread reads for this one.
// Invariant: each read is answered or rejected once; a closed reader gets no answer any more.
import type {
  HistoryMessages,
  HistoryReader,
  HistoryTopic,
} from "../source/source.ts";
import type { Port, ReadingMessage, ServingMessage } from "./messages.ts";

type Answer = Extract<ReadingMessage, { kind: "history" }>;

/** The readers of one thread. */
export class PortHistories {
  readonly #port: Pick<Port<ServingMessage, ReadingMessage>, "send">;
  readonly #readers = new Map<number, PortHistory>();
  #opened = 0;

  constructor(port: Pick<Port<ServingMessage, ReadingMessage>, "send">) {
    this.#port = port;
  }

  open(topics: readonly HistoryTopic[]): HistoryReader {
    const id = this.#opened++;
    const reader = new PortHistory(id, this.#port, () => {
      this.#readers.delete(id);
    });
    this.#readers.set(id, reader);
    this.#port.send({ kind: "open-history", id, topics });
    return reader;
  }

  answered(answer: Answer): void {
    this.#readers.get(answer.id)?.answered(answer);
  }

  close(): void {
    for (const reader of [...this.#readers.values()]) reader.close();
  }
}

class PortHistory implements HistoryReader {
  readonly #id: number;
  readonly #port: Pick<Port<ServingMessage, ReadingMessage>, "send">;
  readonly #onClose: () => void;
  #reading: PromiseWithResolvers<readonly HistoryMessages[]> | null = null;
  #isClosed = false;

  constructor(
    id: number,
    port: Pick<Port<ServingMessage, ReadingMessage>, "send">,
    onClose: () => void,
  ) {
    this.#id = id;
    this.#port = port;
    this.#onClose = onClose;
  }

  read(topics: readonly string[]): Promise<readonly HistoryMessages[]> {
    if (this.#isClosed) return Promise.reject(closedError());
    this.#reading = Promise.withResolvers();
    this.#port.send({ kind: "read-history", id: this.#id, topics });
    return this.#reading.promise;
  }

  answered({ messages, error }: Answer): void {
    const reading = this.#reading;
    this.#reading = null;
    if (error === null) reading?.resolve(messages);
    else reading?.reject(new Error(error));
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#onClose();
    this.#port.send({ kind: "close-history", id: this.#id });
    this.#reading?.reject(closedError());
  }
}

function closedError(): Error {
  return new Error("The history reader was closed");
}
