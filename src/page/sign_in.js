// Signing in and out: the dialog that takes a token, and the button that says who is signed in.
// Invariant: the token is in the field until it is sent, and nowhere else: not in a store, not in the address. The dialog
// opens by itself once; who has closed it opens it again with the button.
import { isSendable } from "./bearer.js";
import { el } from "./dom.js";
import { problemOf } from "./event_stream.js";

const ROUTE = "v1/session";

/** What the server says about who sends a request. @typedef {{ principal: string, expires_unix_ms: number | null, is_session: boolean, can_sign_in: boolean }} Who */

export class SignIn {
  #dialog;
  #button;
  #onSignedIn;
  /** Other tabs of this server. They have the same cookie. */
  #tabs = new BroadcastChannel(`qanat session ${new URL("./", location.href)}`);
  #isChecking = false;
  #isDismissed = false;
  /** @type {Who | null} */
  #who = null;
  /** The server has refused the cookie that this browser sends. */
  #isCookieRefused = false;
  #why = el("p", { id: "sign-in-why" });
  #wrong = el("p", { id: "sign-in-wrong", class: "wrong", role: "alert" });
  #field = el("input", {
    id: "sign-in-token",
    type: "password",
    autocomplete: "off",
    spellcheck: false,
    required: true,
    "aria-describedby": "sign-in-why sign-in-wrong",
  });
  #send = el("button", {
    type: "submit",
    class: "primary",
    textContent: "Sign in",
  });

  /**
   * @param {HTMLDialogElement} dialog
   * @param {HTMLButtonElement} button
   * @param {() => void} onSignedIn what was refused may be requested again
   */
  constructor(dialog, button, onSignedIn) {
    this.#dialog = dialog;
    this.#button = button;
    this.#onSignedIn = onSignedIn;
    dialog.replaceChildren(
      el("h2", { id: "sign-in-title", textContent: "Sign in" }),
      el(
        "form",
        { onsubmit: (/** @type {Event} */ event) => this.#submit(event) },
        this.#why,
        el("label", { htmlFor: "sign-in-token", textContent: "Token" }),
        this.#field,
        this.#wrong,
        el(
          "p",
          { class: "choice" },
          this.#send,
          el("button", {
            type: "button",
            textContent: "Not now",
            onclick: () => dialog.close(),
          }),
        ),
      ),
    );
    dialog.addEventListener("close", () => this.#closed());
    button.onclick = () =>
      this.#who?.is_session ? this.#signOut() : this.#open();
    this.#tabs.onmessage = ({ data }) => {
      if (data === "out") return location.reload();
      this.check();
      this.#onSignedIn();
    };
  }

  /** fetch() for requests of this page: one that needs signing in opens the dialog. @type {typeof fetch} */
  fetch = async (url, init) => {
    const response = await fetch(url, init);
    if (response.status === 401) this.check();
    return response;
  };

  /** Takes a state of a stream: its request may need signing in. @param {import("./qanat.d.ts").StreamState} state */
  notice({ problem }) {
    if (problem?.status === 401) this.check();
  }

  /** Finds out who is signed in; opens the dialog where the user has to sign in. */
  async check() {
    if (this.#isChecking) return;
    this.#isChecking = true;
    try {
      const response = await fetch(ROUTE, { cache: "no-store" });
      if (response.ok) this.#take(await response.json());
      else if (response.status === 401) this.#need(await problemOf(response));
    } catch {
      // The streams report that the server does not answer.
    } finally {
      this.#isChecking = false;
    }
  }

  /** @param {import("./qanat.d.ts").Problem} problem */
  #need({ detail, error }) {
    const wasIn = this.#who !== null;
    // The browser drops the cookie when its session expires: then the server knows of none.
    const why = error === undefined
      ? wasIn ? "Your session has ended. " : "This server needs a token. "
      : `${detail}. `;
    this.#isCookieRefused = error !== undefined;
    if (wasIn) this.#isDismissed = false;
    this.#who = null;
    this.#label();
    if (!this.#isDismissed) this.#open(why);
  }

  /** @param {string} [why] */
  #open(why = "") {
    if (this.#dialog.open) return;
    this.#why.textContent = `${why}Paste the token that you were given.`;
    this.#wrong.textContent = isSecureContext
      ? ""
      : "This page came over plain HTTP, so others on the network could read a token. Open it by https://.";
    this.#send.disabled = !isSecureContext;
    this.#dialog.showModal();
    this.#field.focus();
  }

  #closed() {
    this.#field.value = "";
    if (this.#who !== null || this.#isDismissed) return;
    this.#isDismissed = true;
    // Without the cookie, the channels that everyone may read are there.
    if (this.#isCookieRefused) this.#dropCookie();
  }

  /** @param {Event} event */
  async #submit(event) {
    event.preventDefault();
    const token = this.#field.value.trim().replace(/^bearer +/i, "");
    this.#field.value = "";
    if (!isSendable(token)) {
      return this.#refuse(
        "This is not a token: a token has no spaces and only ASCII characters.",
      );
    }
    this.#send.disabled = true;
    try {
      const response = await fetch(ROUTE, {
        method: "POST",
        headers: { authorization: `Bearer ${token}` },
        cache: "no-store",
      });
      if (!response.ok) return this.#refuse((await problemOf(response)).detail);
      this.#take(await response.json());
      this.#dialog.close();
      this.#onSignedIn();
      this.#tabs.postMessage("in");
    } catch {
      this.#refuse("The server does not answer.");
    } finally {
      this.#send.disabled = false;
    }
  }

  /** @param {string} detail */
  #refuse(detail) {
    this.#wrong.textContent = detail;
    this.#field.focus();
  }

  /** What was shown must not stay for the next user of this computer. */
  async #signOut() {
    await this.#endSession();
    this.#tabs.postMessage("out");
    location.reload();
  }

  async #dropCookie() {
    this.#isCookieRefused = false;
    await this.#endSession();
    this.#onSignedIn();
  }

  async #endSession() {
    try {
      await fetch(ROUTE, { method: "DELETE", cache: "no-store" });
    } catch {
      // The streams report that the server does not answer.
    }
  }

  /** @param {Who} who */
  #take(who) {
    const wasNeeded = this.#who === null;
    this.#who = who;
    this.#isDismissed = false;
    this.#isCookieRefused = false;
    this.#label();
    // Another tab has signed in.
    if (wasNeeded) this.#dialog.close();
  }

  #label() {
    const who = this.#who;
    this.#button.hidden = who !== null && !who.can_sign_in;
    this.#button.textContent = who?.is_session ? "Sign out" : "Sign in";
    this.#button.title = who?.is_session
      ? titleOf(who)
      : "Sign in with a token";
  }
}

/** @param {Who} who */
function titleOf({ principal, expires_unix_ms }) {
  const until = expires_unix_ms === null
    ? ""
    : `, until ${new Date(expires_unix_ms).toLocaleString()}`;
  return `Signed in as ${principal}${until}`;
}
