// One end of the way between two threads.

/** As a MessagePort. Everything that is sent survives a structured clone. */
export interface Port<Sent, Received> {
  send(message: Sent): void;
  onMessage: ((message: Received) => void) | null;
}
