// The cookie of a session: its name and attributes, and which requests may use it.
// Invariant: a request that another site has caused has no session, and a cookie is Secure unless everything between
// browser and instance is one machine. Why: docs/decisions/0042.
import type { Context } from "hono";
import { getCookie, setCookie } from "hono/cookie";
import { problem } from "../transport/problem.ts";
import { isLoopbackHost } from "./host_rule.ts";
import { isOfOtherSite } from "./own_site.ts";

const NAME = "qanat-session";

export interface SessionCookieOptions {
  readonly basePath: string;
  /** `--public-url`; "" for none. */
  readonly publicUrl: string;
  /** Whether the client's connection is encrypted. */
  readonly isHttps: (context: Context) => boolean;
  /** Address of the client; "" where it is not known. */
  readonly addressOf: (context: Context) => string;
}

/** How a request has come: `plain` is HTTP without encryption over a network. */
type Way = "secure" | "loopback" | "plain";

/** The session cookie of one instance. */
export class SessionCookie {
  readonly #options: SessionCookieOptions;
  readonly #path: string;

  constructor(options: SessionCookieOptions) {
    const { basePath, publicUrl } = options;
    this.#options = options;
    const path = publicUrl === "" ? basePath : new URL(publicUrl).pathname;
    this.#path = path.replace(/\/$/, "") || "/";
  }

  /** The cookie's value; null where there is none, or the request may not use it. */
  valueOf(c: Context): string | null {
    const way = this.#wayOf(c);
    if (way === "plain" || this.#isOfOtherSite(c, way)) return null;
    return getCookie(c, this.#nameFor(way)) ?? null;
  }

  /** Why a request may not begin or end a session; null where it may. */
  refusal(c: Context): Response | null {
    const way = this.#wayOf(c);
    if (way === "plain") {
      return problem("connection_not_secure", {
        detail:
          "Signing in needs HTTPS, since others on the network can read a token and a cookie over plain HTTP. Behind a " +
          "proxy with TLS, set --public-url https://… or let a proxy of --trusted-proxies send X-Forwarded-Proto",
      });
    }
    if (!this.#isOfOtherSite(c, way)) return null;
    return problem("other_site", {
      detail:
        "Only a page of this instance may begin or end a session; pages of other sites send the token with each request. " +
        "If this is the instance's own page behind a proxy, set --public-url to the page's address",
    });
  }

  /** Gives the browser a session for so many seconds; 0 removes the cookie. */
  set(c: Context, value: string, maxAgeS: number): void {
    const way = this.#wayOf(c);
    setCookie(c, this.#nameFor(way), value, {
      path: this.#path,
      httpOnly: true,
      secure: way === "secure",
      sameSite: "Strict",
      maxAge: maxAgeS,
    });
  }

  /** A browser refuses a cookie of a name with a prefix from any but an encrypted page, so that no other can plant one. */
  #nameFor(way: Way): string {
    if (way !== "secure") return NAME;
    return this.#path === "/" ? `__Host-${NAME}` : `__Secure-${NAME}`;
  }

  #wayOf(c: Context): Way {
    const { publicUrl, isHttps, addressOf } = this.#options;
    if (publicUrl !== "" || isHttps(c)) return "secure";
    const address = addressOf(c);
    const isLocal = address === "" || isLoopbackHost(address);
    return isLocal && isLoopbackHost(c.req.header("host") ?? "")
      ? "loopback"
      : "plain";
  }

  #isOfOtherSite(c: Context, way: Way): boolean {
    if (isOfOtherSite(c, this.#options.publicUrl)) return true;
    const origin = c.req.header("origin");
    return origin !== undefined &&
      origin.startsWith("https:") !== (way === "secure");
  }
}
