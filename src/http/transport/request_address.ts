// The address of a request's client, behind trusted proxies too.
import type { IncomingMessage } from "node:http";
import type { BlockList } from "node:net";
import { forwardedAddress } from "../../net/forwarded_address.ts";

/** In its canonical spelling; "" where it is not known. */
export function requestAddress(
  request: IncomingMessage | undefined,
  trusted: BlockList,
): string {
  return forwardedAddress(
    request?.socket?.remoteAddress ?? "",
    request?.headers["x-forwarded-for"],
    trusted,
  );
}
