// The cost of request work that cannot be divided, each at the largest input that its limit allows, and of the parts of
// divided work compared with their estimated steps (a step is at most a microsecond). `max` is the important column.
// Run `deno task bench --filter request`; docs/operating.md has the table.
import { encodeChannelTable } from "../src/arrow/channel_table.ts";
import { Catalog } from "../src/channels/catalog.ts";
import type { Channel } from "../src/channels/channel.ts";
import { Expression } from "../src/channels/expression.ts";
import { nearNames } from "../src/channels/near_names.ts";
import { byText, sortedInSlices } from "../src/channels/sorted_names.ts";
import { finish } from "../src/channels/sliced_work.ts";
import { codecFor } from "../src/http/routes/arrow_codecs.ts";
import { codingFor } from "../src/http/routes/accept_encoding.ts";
import { channelJson } from "../src/http/routes/channel_list.ts";
import { EVENTS_PARAMETERS } from "../src/http/documents/stream_parameters.ts";
import { fieldsOfQuery } from "../src/http/routes/stream_fields.ts";

const HEADER = 16 * 1024;
const BODY = 4 * 1024 * 1024;
const fill = (text: string, size: number) =>
  text.repeat(Math.ceil(size / text.length)).slice(0, size);
const channels: Channel[] = Array.from({ length: 500 }, (_, i) => ({
  name: `H1:SUS-${i}_`.padEnd(255, "x"),
  dataType: "float32",
  sampleRate: 16,
  publisher: "P",
  partitionId: "p",
  partitionIndex: i,
  strideNs: 62_500_000n,
  maxLatencyNs: 1_000_000_000n,
  replayId: null,
}));
const names = channels.map((c) => c.name).sort();
let sink = 0;

function cost(name: string, work: () => unknown): void {
  Deno.bench(name, { group: "request" }, () => {
    sink += work() ? 1 : 0;
  });
}

for (
  const text of [
    "(?i)" + "\\p{L}".repeat(15),
    "(?i)[" + "\\W".repeat(450) + "]",
    "(?i)[A-\\x{3000}]",
    "x*".repeat(80) + "Z",
    "(?:.*[A-H].{20}){5}!",
  ]
) cost(`compile ${text.slice(0, 24)}`, () => new Expression(text));

for (const text of ["(?:.*[A-H].{20}){5}!", "(?:.?){45}.*Z", ".*_x"]) {
  const expression = new Expression(text);
  let at = 0;
  cost(
    `match ${text} (${Math.ceil(expression.stepsOf(names[0]!))} steps)`,
    () =>
      expression.matches(
        names[at++ % names.length]!.replaceAll("x", "AQ")
          .slice(0, 255),
      ),
  );
}

cost(
  "near names, 64 of 255 characters",
  () => finish(nearNames(names, names[9]!.slice(0, -1) + "y", 3)),
);
const catalog = new Catalog();
for (const channel of channels) catalog.set(channel);
const body = fill('["é"]', BODY);
const bytes = new TextEncoder().encode(body).slice(0, BODY);
cost(
  "decode 64 KiB of a body",
  () => new TextDecoder("utf-8").decode(bytes.subarray(0, 65536)),
);
cost(
  "join and look at 4 MiB of a body",
  () => Array(64).fill(body.slice(0, 65536)).join("").charCodeAt(5),
);
cost(
  "sort 256 names (150 steps)",
  () => finish(sortedInSlices(names.slice(0, 256).reverse(), byText)),
);
cost(
  "200 channels as JSON (600 steps)",
  () =>
    channels.slice(0, 200).map((c) =>
      JSON.stringify(channelJson(c, true, null))
    )
      .join(","),
);
cost(
  "500 channels as Arrow (3000 steps)",
  () =>
    finish(
      encodeChannelTable(channels, { isLive: () => true, noteOf: () => null }),
    ),
);
for (const text of ["gzip;q=0.1,", "q=0,", ",", 'a;b="\\\\",', " ", ";"]) {
  const header = fill(text, HEADER);
  cost(`Accept-Encoding of 16 KiB: ${text}`, () => {
    try {
      return codingFor(header, ["gzip", "identity"]);
    } catch {
      return 0;
    }
  });
  cost(`Accept of 16 KiB: ${text}`, () => codecFor(header) ?? 1);
}
const url = (query: string) =>
  new URL(`http://localhost/v1/events?${fill(query, HEADER)}`);
cost("address of 16 KiB, 8,000 parameters", () => {
  try {
    return fieldsOfQuery(url("channels=A,&"), EVENTS_PARAMETERS);
  } catch {
    return 0;
  }
});
cost(
  "address of 16 KiB, 8,000 channels",
  () => fieldsOfQuery(url("channels=" + fill("A,", HEADER)), EVENTS_PARAMETERS),
);
if (sink < 0) throw new Error("unreachable");
