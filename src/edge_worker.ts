// For workerd and Cloudflare Workers: passes each request to a Durable Object, which has the instance. All requests of an
// object share its I/O; elsewhere, no connection to an upstream could feed the response of another request.
// Invariant: nothing happens while it loads, and nothing of a request is kept outside of its object.
import { Edge } from "./edge/edge.ts";

/** What is used of a namespace of Durable Objects. */
interface HubNamespace {
  idFromName(name: string): unknown;
  get(id: unknown): { fetch(request: Request): Promise<Response> };
}

/** Bindings of the worker. The settings of the instance, such as `QANAT_UPSTREAM`, are among them. */
interface Bindings {
  readonly HUB: HubNamespace;
  /** The header that has the client's address, and that clients cannot set themselves; limits by address need it. */
  readonly CLIENT_ADDRESS_HEADER?: string | null;
}

/** The one object of a namespace that serves. */
const HUB_NAME = "hub";

/** The Durable Object: one instance of Qanat, from the first request until the runtime removes the object from memory. */
export class Hub {
  readonly #edge: Edge;
  readonly #addressHeader: string;

  /** `state` is not used: nothing is stored. */
  constructor(_state: unknown, bindings: Bindings) {
    this.#addressHeader = bindings.CLIENT_ADDRESS_HEADER ?? "";
    this.#edge = new Edge({
      env: { ...bindings },
      // deno-lint-ignore no-console -- the only output of a worker
      write: (line) => console.log(line),
    });
  }

  async fetch(request: Request): Promise<Response> {
    const response = await this.#edge.fetch(request, {
      address: this.#addressOf(request),
      signal: request.signal,
    });
    return response.headers.has("content-encoding")
      ? alreadyEncoded(response)
      : response;
  }

  #addressOf({ headers }: Request): string {
    const name = this.#addressHeader;
    return name === "" ? "" : headers.get(name) ?? "";
  }
}

/** The same response. Without the option, which only workers have, the runtime would compress the body once more. */
function alreadyEncoded({ body, headers, status }: Response): Response {
  const init = { headers, status, encodeBody: "manual" };
  return new Response(body, init);
}

export default {
  fetch(request: Request, { HUB }: Bindings): Promise<Response> {
    return HUB.get(HUB.idFromName(HUB_NAME)).fetch(request);
  },
};
