// The log line of a closed client, compared with the earlier way: a JSON replacer and one write per line.
import { jsonLogger } from "../src/telemetry/log.ts";
import { LogWriter } from "../src/telemetry/log_writer.ts";

const FIELDS = {
  address: "127.0.0.1",
  format: "events",
  channels: 10,
  rows: 1234,
  bytes: 12_345_678,
  gaps: 0,
  seconds: 77.1,
  reason: "client-left",
};
const encoder = new TextEncoder();
/** /dev/null, or memory where a bare `deno bench` may not write: then the second way costs too little. */
const nowhere = await openNowhere();
const writer = new LogWriter({
  lostLine: (lines) => String(lines),
  write: (bytes) => Promise.resolve(nowhere.writeSync(bytes)),
});
const log = jsonLogger((line) => writer.line(line), "info");
const asText = (_key: string, value: unknown) =>
  typeof value === "bigint" ? String(value) : value;

Deno.bench("gathered", { group: "1,000 lines", baseline: true }, async () => {
  for (let i = 0; i < 1000; i++) log.info("client-close", FIELDS);
  await writer.flush();
});

Deno.bench("replacer and writeSync", { group: "1,000 lines" }, () => {
  for (let i = 0; i < 1000; i++) {
    const line = JSON.stringify({
      time: new Date().toISOString(),
      level: "info",
      event: "client-close",
      ...FIELDS,
    }, asText);
    nowhere.writeSync(encoder.encode(line + "\n"));
  }
});

async function openNowhere(): Promise<Pick<Deno.FsFile, "writeSync">> {
  const may = { name: "write", path: "/dev/null" } as const;
  const { state } = await Deno.permissions.query(may);
  if (state === "granted") return await Deno.open(may.path, { write: true });
  const bytes = new Uint8Array(1 << 20);
  return {
    writeSync(line) {
      bytes.set(line);
      return line.byteLength;
    },
  };
}

globalThis.addEventListener("unload", () => {
  if (writer.lostLines > 0) throw new Error("lines were lost");
});
