// Says which file of the page did not load, and that reloading helps: otherwise the page would always say "connecting".
// A classic script, so that it runs before the modules, whichever of them fails.
// Invariant: once the page has begun, it says nothing more.

{
  /** Without a module after this time, the page says that it still loads, ms. */
  const SLOW_MS = 20_000;
  const NAMED_MAX = 3;
  const controller = new AbortController();
  const { signal } = controller;
  /** @type {HTMLElement | null} */
  let said = null;
  let isOnlySlow = false;

  /** @param {string} what */
  const say = (what) => {
    const state = document.getElementById("state");
    // A style may fail before the browser has read this part of the document.
    if (!state?.parentElement) {
      document.addEventListener("DOMContentLoaded", () => say(what), {
        once: true,
        signal,
      });
      return;
    }
    said ??= document.createElement("p");
    said.className = "wrong";
    said.setAttribute("role", "alert");
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = "Reload";
    button.onclick = () => location.reload();
    said.replaceChildren(`${what} `, button);
    state.parentElement.after(said);
  };

  /** Such as page/fft.js. @param {string} url */
  const nameOf = (url) =>
    url.replace(new URL(".", document.baseURI).href, "").replace(/\?.*/, "");

  /** The files that failed, with the status of the answer where the browser reports it. */
  const failed = () =>
    performance.getEntriesByType("resource").flatMap((entry) => {
      const { name, responseStatus } =
        /** @type {PerformanceResourceTiming} */ (entry);
      if (!(responseStatus >= 400)) return [];
      return [`${nameOf(name)} (the server answered ${responseStatus})`];
    });

  /** @param {string} why */
  const stop = (why) => {
    isOnlySlow = false;
    const state = document.getElementById("state");
    if (state) {
      state.textContent = "not loaded";
      state.dataset.state = "refused";
      document.title = "Not loaded – Qanat";
    }
    say(`${why}. Reload the page:`);
  };

  /** @param {string} url of the script or the style that did not load, or needed one that did not */
  const fail = (url) => {
    const all = failed();
    const what = all.length > 0
      ? `A file of the page did not load: ${all.slice(0, NAMED_MAX).join(", ")}`
      : `${nameOf(url)}, or a file that it needs, did not load`;
    if (!url.endsWith(".css")) return stop(what);
    isOnlySlow = false;
    say(`${what}. Reload the page:`);
  };

  addEventListener("error", (event) => {
    const { target } = event;
    if (target instanceof HTMLScriptElement) return fail(target.src);
    if (target instanceof HTMLLinkElement && target.rel === "stylesheet") {
      return fail(target.href);
    }
    const { error, filename } = /** @type {ErrorEvent} */ (event);
    // A file that was cut is no JavaScript any more.
    if (error instanceof SyntaxError) fail(filename);
    else if (error instanceof Error) stop(`The page failed: ${error.message}`);
  }, { capture: true, signal });
  const timer = setTimeout(() => {
    if (said) return;
    isOnlySlow = true;
    say("The page is still loading. If this lasts, reload it:");
  }, SLOW_MS);
  addEventListener("qanat-begun", () => {
    clearTimeout(timer);
    controller.abort();
    // Of a style that failed it is still true.
    if (isOnlySlow) said?.remove();
  }, { once: true });
}
