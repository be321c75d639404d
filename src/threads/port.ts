// One end of the way between two threads.

/** As a MessagePort. Everything that is sent survives a structured clone. */
export interface Port<Sent, Received> {
  /** `transfer`: buffers in the message that this end gives up. @default everything is cloned */
  send(message: Sent, transfer?: ArrayBuffer[]): void;
  onMessage: ((message: Received) => void) | null;
}
