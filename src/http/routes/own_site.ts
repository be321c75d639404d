// Whether a request comes from a page of this instance. Browsers say so in headers that no page can change.
import type { Context } from "hono";

/**
 * Whether the page of this origin was loaded from this instance. On HTTPS and on loopback, browsers send this in a
 * header; otherwise the host of Origin and Host must be equal. The scheme may differ, as a proxy in front may speak TLS.
 */
export function isOwnOrigin(
  c: Context,
  origin: string,
  publicUrl: string,
): boolean {
  if (c.req.header("sec-fetch-site") === "same-origin") return true;
  if (publicUrl !== "" && new URL(publicUrl).origin === origin) return true;
  const host = c.req.header("host");
  if (host === undefined || !URL.canParse(origin)) return false;
  const { protocol, host: pageHost } = new URL(origin);
  // Without the scheme's default port, as in Origin.
  const own = `${protocol}//${host}`;
  return /^https?:$/.test(protocol) && URL.canParse(own) &&
    new URL(own).host === pageHost;
}

/** Whether another site has made a browser send a request, as far as the browser says. Programs say nothing. */
export function isOfOtherSite(c: Context, publicUrl: string): boolean {
  const site = c.req.header("sec-fetch-site");
  if (site !== undefined && site !== "same-origin" && site !== "none") {
    return true;
  }
  const origin = c.req.header("origin");
  return origin !== undefined && !isOwnOrigin(c, origin, publicUrl);
}
