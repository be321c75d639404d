// Runs as a worker or as the reading thread of a process, and reports what it has of Kafka's secrets and what it may do.
// The file of the token and the port of the broker are in the settings that it gets.
import type { SupervisorMessage } from "../../src/supervisor/messages.ts";

interface Scope {
  onmessage: (event: MessageEvent<SupervisorMessage>) => void;
  postMessage(message: unknown): void;
}

const scope = self as unknown as Scope;
const { searchParams } = new URL(import.meta.url);

function attempt(call: () => void): string {
  try {
    call();
    return "allowed";
  } catch (error) {
    return (error as Error).name === "NotCapable" ? "refused" : "allowed";
  }
}

async function connection(port: number): Promise<string> {
  try {
    (await Deno.connect({ hostname: "127.0.0.1", port })).close();
    return "allowed";
  } catch (error) {
    return (error as Error).name === "NotCapable" ? "refused" : "allowed";
  }
}

scope.onmessage = async ({ data }) => {
  if (data.kind !== "start") return;
  if (searchParams.get("as") === "reader") {
    // What a reading thread says once it reads.
    const limits = { connectionsMax: 64, clientsMax: 32, backlog: 128 };
    scope.postMessage({ kind: "serving", port: 0, greeting: "", limits });
    return;
  }
  const tokenFile = searchParams.get("token")!;
  const found = {
    settings: /hunter2|kafka-token/.test(JSON.stringify(data.config)),
    variable: Deno.env.get("QANAT_KAFKA_PASSWORD") ?? "unset",
    token: attempt(() => void Deno.readTextFileSync(tokenFile)),
    broker: await connection(Number(searchParams.get("broker"))),
    listen: attempt(() =>
      Deno.listen({ hostname: "127.0.0.1", port: data.config.port }).close()
    ),
  };
  const complaint = JSON.stringify(found) + "\n";
  scope.postMessage({ kind: "exit", code: 0, complaint });
};
