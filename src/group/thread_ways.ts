// The ways between a worker and the reading thread: the log of the source, and questions between all threads.
import type {
  Port,
  ReadingMessage,
  ServingMessage,
} from "../ingest/messages.ts";
import type { HubMessage, MemberMessage } from "../threads/thread_messages.ts";
import { threadPorts } from "../threads/thread_port.ts";

/** Of the worker. Set `onMessage` of both at once. */
export interface WorkerWays {
  readonly source: Port<ServingMessage, ReadingMessage>;
  readonly questions: Port<MemberMessage, HubMessage>;
}

/** Of the reading thread. Set `onMessage` of both at once. */
export interface ReadingWays {
  readonly source: Port<ReadingMessage, ServingMessage>;
  readonly questions: Port<HubMessage, MemberMessage>;
}

export function workerWays(messages: MessagePort): WorkerWays {
  const [source, questions] = threadPorts(messages, 2);
  return { source, questions } as unknown as WorkerWays;
}

export function readingWays(messages: MessagePort): ReadingWays {
  const [source, questions] = threadPorts(messages, 2);
  return { source, questions } as unknown as ReadingWays;
}
