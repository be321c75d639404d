// A message of a mapped topic that cannot be read.

/** What is wrong with a message. */
export class MessageFault extends Error {}
