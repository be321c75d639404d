// Requests with a token that the page's own code provides.
// Invariant: a token is asked for before each request, is sent in a header only, and is never kept.

const TOKEN = /^[\x21-\x7e]+$/;

/** Whether a text can be sent as a token: printable ASCII without blanks. @param {string} text */
export function isSendable(text) {
  return TOKEN.test(text);
}

/**
 * A fetch() that sends the token. Rejects when `token` does, and when the request is aborted meanwhile.
 * @param {typeof fetch} fetch
 * @param {() => string | Promise<string>} token
 * @returns {typeof globalThis.fetch}
 */
export function withToken(fetch, token) {
  return async (url, init = {}) => {
    const bearer = await tokenOf(token, init.signal);
    const headers = new Headers(init.headers);
    headers.set("authorization", `Bearer ${bearer}`);
    return fetch(url, { ...init, headers });
  };
}

/**
 * @param {() => string | Promise<string>} token
 * @param {AbortSignal | null | undefined} signal
 */
async function tokenOf(token, signal) {
  const aborted = Promise.withResolvers();
  const abort = () => aborted.reject(new Error("token() took too long"));
  signal?.addEventListener("abort", abort);
  try {
    const bearer = await Promise.race([asked(token), aborted.promise]);
    // What fetch() says about a wrong header contains the header.
    if (typeof bearer !== "string" || !isSendable(bearer)) {
      throw new Error("token() gave no token: printable ASCII without blanks");
    }
    return bearer;
  } finally {
    signal?.removeEventListener("abort", abort);
  }
}

/** @param {() => string | Promise<string>} token */
async function asked(token) {
  try {
    return await token();
  } catch (error) {
    throw new Error(`token() failed: ${/** @type {any} */ (error)?.message}`);
  }
}
