// Reaches the server from a notebook: loads its /qanat.js, says in words why it cannot, and gets tokens from the kernel.
// Invariant: a token is asked for before each request and is kept nowhere: not here, and not in the model, which Jupyter
// saves in the notebook.

/** @typedef {typeof import("../../../../../src/page/qanat.d.ts")} QanatModule */
/**
 * What anywidget gives of the widget's model.
 * @typedef {object} Model
 * @property {(name: string) => any} get
 * @property {(name: string, value: unknown) => void} set
 * @property {() => void} save_changes
 * @property {(message: unknown) => void} send
 * @property {(event: string, take: (message: any) => void) => void} on
 * @property {(event: string, take: (message: any) => void) => void} off
 */

const RETRY_MAX_MS = 10_000;
/** The kernel answers when it has finished what it runs. */
const KERNEL_MS = 20_000;
/** The token functions of a page; streams with the same function share a connection. */
const TOKENS = Symbol.for("qanat_client.tokens_of_views");

/**
 * The module that a server serves; tries until it can be loaded.
 * @param {string} base
 * @param {{ signal: AbortSignal, say: (why: string) => void }} options
 * @returns {Promise<QanatModule | null>} null when the signal was aborted
 */
export async function moduleOf(base, { signal, say }) {
  for (let retryMs = 500; !signal.aborted;) {
    let obstacle = await obstacleOf(base);
    if (obstacle === "") {
      try {
        return await import(`${base}qanat.js`);
      } catch (error) {
        obstacle = `${base}qanat.js cannot be loaded: ${error}`;
      }
    }
    if (signal.aborted) break;
    say(obstacle);
    await new Promise((resolve) => setTimeout(resolve, retryMs));
    retryMs = Math.min(retryMs * 1.6, RETRY_MAX_MS);
  }
  return null;
}

/**
 * Why this page cannot read from a server, in words; empty when it can.
 * @param {string} base
 * @returns {Promise<string>}
 */
export async function obstacleOf(base) {
  const url = `${base}qanat.js`;
  try {
    const answer = await fetch(url, { cache: "no-cache" });
    await answer.body?.cancel();
    return answer.ok ? "" : `${base} answers ${answer.status} for /qanat.js`;
  } catch {
    // A browser does not say why.
  }
  try {
    // A request whose answer the page cannot read succeeds if there is any.
    await fetch(url, { mode: "no-cors", cache: "no-store" });
  } catch {
    return isBlocked(base)
      ? `A notebook at https: cannot read from ${base}: the server needs https, too`
      : `There is no answer from ${base}`;
  }
  const { origin } = globalThis.location;
  const admitted = /^https?:/.test(origin) ? origin : "'*'";
  return `The server at ${base} does not allow pages of ${origin}: start it with --cors-origin ${admitted}`;
}

/** Whether browsers forbid pages at https to read from an address. @param {string} base */
function isBlocked(base) {
  const { protocol, hostname } = new URL(base);
  const isLocal = /^(localhost|127\.[0-9.]+|\[::1\])$/.test(hostname);
  return globalThis.location.protocol === "https:" && protocol === "http:" &&
    !isLocal;
}

/**
 * A function that gets a token from the kernel until the signal is aborted, the same for all plots with the same token;
 * undefined without one. A plot may be shown twice in a notebook, and each view of it has a signal of its own.
 * @param {Model} model
 * @param {AbortSignal} signal
 * @returns {(() => Promise<string>) | undefined}
 */
export function tokenFunctionOf(model, signal) {
  const credential = model.get("_credential");
  if (!credential) return undefined;
  /** @type {Map<string, { views: Set<{ model: Model }>, ask: () => Promise<string> }>} */
  const all = (/** @type {any} */ (globalThis))[TOKENS] ??= new Map();
  let entry = all.get(credential);
  if (!entry) {
    const views = /** @type {Set<{ model: Model }>} */ (new Set());
    entry = { views, ask: () => askKernel([...views].at(-1)?.model) };
    all.set(credential, entry);
  }
  const { ask, views } = entry;
  const view = { model };
  views.add(view);
  signal.addEventListener("abort", () => views.delete(view));
  return ask;
}

/**
 * A state in words.
 * @param {import("../../../../../src/page/qanat.d.ts").StreamState} state
 * @param {Model} model
 */
export function wordsOf({ state, reason, detail, problem, retryInMs }, model) {
  if (state === "live" || state === "connecting") return state;
  const why = detail ?? reason ?? state;
  const hint = problem?.status === 401 && !model.get("_credential")
    ? "; give LivePlot token= or token_file="
    : "";
  const seconds = Math.ceil((retryInMs ?? 0) / 1000);
  const next = state === "waiting" ? `; next attempt in ${seconds} s` : "";
  return `${state}: ${why}${hint}${next}`;
}

/**
 * @param {Model | undefined} model
 * @returns {Promise<string>}
 */
function askKernel(model) {
  if (!model) return Promise.reject(new Error("the plot was removed"));
  return new Promise((resolve, reject) => {
    const number = Math.random();
    const finish = () => {
      clearTimeout(timer);
      model.off("msg:custom", take);
    };
    /** @param {any} message */
    const take = (message) => {
      if (message?.kind !== "token" || message.number !== number) return;
      finish();
      if (message.error) reject(new Error(message.error));
      else resolve(message.token);
    };
    const timer = setTimeout(() => {
      finish();
      reject(
        new Error("the kernel does not answer; it is busy, or has ended"),
      );
    }, KERNEL_MS);
    model.on("msg:custom", take);
    model.send({ kind: "token", number });
  });
}
