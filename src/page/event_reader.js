// Turns the bytes of an event stream into events and ids, in their order.
import { createParser } from "eventsource-parser";

/**
 * An event; or, without `event`, an id alone.
 * @typedef {{ id?: string | undefined, event?: string, data?: string }} Read
 */

export class EventReader {
  #text = new TextDecoder();
  /** @type {Read[]} */
  #read = [];
  #parser;

  /** @param {(ms: number) => void} onRetry takes the time that the server asks clients to wait before they reconnect */
  constructor(onRetry) {
    this.#parser = createParser({
      onRetry,
      // Heartbeats have an id and no data.
      onId: (id) => void this.#read.push({ id }),
      onEvent: ({ id, event, data }) => {
        // onId() was called with the same id just before.
        if (id !== undefined) this.#read.pop();
        this.#read.push({ id, event: event ?? "", data });
      },
    });
  }

  /** What these bytes complete. @param {Uint8Array} bytes @returns {Read[]} */
  read(bytes) {
    this.#parser.feed(this.#text.decode(bytes, { stream: true }));
    const all = this.#read;
    this.#read = [];
    return all;
  }
}
