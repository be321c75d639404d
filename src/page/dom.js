// Makes elements, and reads the colours of the theme.

/**
 * An element with attributes, properties (`onclick`, `textContent`) and children.
 * @template {keyof HTMLElementTagNameMap} T
 * @param {T} tag
 * @param {Record<string, any>} [fields]
 * @param {...(Node | string | null | undefined | false)} children
 * @returns {HTMLElementTagNameMap[T]}
 */
export function el(tag, fields = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(fields)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "class") element.className = value;
    else if (name in element && !name.startsWith("aria")) {
      /** @type {any} */ (element)[name] = value;
    } else element.setAttribute(name, value === true ? "" : String(value));
  }
  for (const child of children) if (child) element.append(child);
  return element;
}

/** The button in the heading of a dialog that closes it. @param {HTMLDialogElement} dialog */
export function closeButton(dialog) {
  return el("button", {
    type: "button",
    class: "icon",
    textContent: "×",
    "aria-label": "Close",
    onclick: () => dialog.close(),
  });
}

/**
 * A field for a number or a time.
 * @param {string} id
 * @param {string} placeholder what counts where it is empty
 */
export function textField(id, placeholder) {
  return el("input", {
    id,
    type: "text",
    inputMode: "text",
    autocomplete: "off",
    spellcheck: false,
    placeholder,
  });
}

/**
 * @template {HTMLElement} T
 * @param {string} id
 * @param {new () => T} kind
 * @returns {T}
 */
export function byId(id, kind) {
  const found = document.getElementById(id);
  if (found instanceof kind) return found;
  throw new Error(`The page has no ${kind.name} '${id}'`);
}

/** The colours of the theme, for drawing on a canvas. */
export function colours() {
  const style = getComputedStyle(document.documentElement);
  /** @param {string} name */
  const get = (name) => style.getPropertyValue(`--${name}`).trim();
  return {
    text: get("text"),
    muted: get("muted"),
    grid: get("grid"),
    back: get("panel"),
    gap: get("gap"),
    gapText: get("gap-text"),
    bad: get("bad"),
    isDark: document.documentElement.dataset.theme === "dark",
    series: Array.from({ length: 12 }, (_, i) => get(`series-${i + 1}`)),
  };
}

/** @typedef {ReturnType<typeof colours>} Colours */

/**
 * The row of buttons that ends a form: "Apply", which sends it, and others.
 * @param {...(Node | string)} others
 */
export function applyRow(...others) {
  return el(
    "p",
    { class: "choice" },
    el("button", { type: "submit", class: "primary", textContent: "Apply" }),
    ...others,
  );
}
