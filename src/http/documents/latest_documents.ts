// OpenAPI's description of /v1/latest.
import {
  problemAnswer,
  RETRY_AFTER,
  type RouteDocument,
} from "./api_document.ts";
import { BIN, ROW } from "./event_payloads.ts";
import { selectingDocuments } from "./stream_documents.ts";
import { ARROW_TYPE } from "./stream_messages.ts";
import { LATEST_PARAMETERS } from "./stream_parameters.ts";

const ANSWERS: RouteDocument["answers"] = {
  200: {
    description:
      "The newest row that has a block of all channels; if none of the newest 64 rows has, the newest one that has " +
      "any. In Arrow with `Accept: " + ARROW_TYPE + "`",
    content: {
      "application/json": {
        description: "As in the `data:` of an event of /v1/events",
        anyOf: [ROW, BIN],
      },
      [ARROW_TYPE]: {
        description: "Arrow IPC stream: the schema, one record batch",
      },
    },
  },
  400: problemAnswer(
    "A parameter or expression is wrong; the selection is empty or too large; the row could be larger than 16 MiB",
  ),
  404: problemAnswer(
    "A channel (`unknown` has similar names) or the replay context does not exist; the channels have no recent row",
  ),
  406: problemAnswer("Accept refuses JSON and Arrow"),
  429: problemAnswer(
    "Too many streams from your address: such a request counts as one; or too many bytes of rows that are being sent to it",
    { headers: RETRY_AFTER, isNeverForHead: true },
  ),
  503: problemAnswer(
    "No row could be read within 5 s; or a limit of all clients together is reached, as for streams",
    { headers: RETRY_AFTER },
  ),
};

export const LATEST_DOCUMENT = selectingDocuments({
  name: "Latest",
  summary: "Read the newest row, once",
  parameters: LATEST_PARAMETERS,
  answers: ANSWERS,
});
