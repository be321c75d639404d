// The layouts that are saved in this browser: one entry of localStorage for each.
// Invariant: a tab writes only the entry that its user changes, under an id of its own, so that tabs that save at the same
// time, even under one name, lose nothing. (Locks between tabs need https, which many control rooms do not have.)
import { checkedName, wrongOfView } from "./layout.js";

/** @typedef {import("./layout.js").Layout} Layout */
/** @typedef {Layout & { id: string }} Saved */
/** @typedef {Pick<Storage, "length" | "key" | "getItem" | "setItem" | "removeItem">} Entries */

export const COUNT_MAX = 100;
/** Characters of all layouts; browsers keep about 5,000,000 for a site. */
export const TOTAL_MAX = 1_000_000;
const REFUSED =
  "This browser does not let the page keep anything (site data may be blocked): save the layout as a file";

export class LayoutStore {
  #storage;
  #prefix;

  /**
   * @param {() => Entries | null} storage throws where the browser refuses
   * @param {string} path of the page: instances below one host have their own layouts
   */
  constructor(storage, path) {
    this.#storage = storage;
    this.#prefix = `qanat-layout ${path}\n`;
  }

  /**
   * The layouts by name, entries that cannot be read, and why there are none.
   * @returns {{ layouts: Saved[], broken: string[], wrong: string }}
   */
  list() {
    const { layouts, broken, wrong } = this.#read();
    layouts.sort((a, b) =>
      a.name.localeCompare(b.name, "en", { numeric: true })
    );
    return { layouts, broken, wrong };
  }

  /**
   * Saves a layout, or replaces the one with this id. Returns what went wrong; empty: nothing.
   * @param {Layout} layout
   * @param {string} [id]
   */
  put({ name, view }, id = newId()) {
    const { layouts, characters, wrong } = this.#read();
    if (wrong !== "") return wrong;
    const before = layouts.find((one) => one.id === id);
    if (!before && layouts.length >= COUNT_MAX) {
      return `${COUNT_MAX} layouts are saved, which is the most: delete one, or save this one as a file`;
    }
    const text = textOf({ name, view });
    const freed = before ? textOf(before).length : 0;
    if (characters - freed + text.length > TOTAL_MAX) {
      return `All layouts together have ${
        TOTAL_MAX.toLocaleString("en")
      } characters at most: delete one, or save this one as a file`;
    }
    try {
      this.#entries().setItem(this.#prefix + id, text);
      return "";
    } catch (error) {
      return /** @type {Error} */ (error).name === "QuotaExceededError"
        ? "This browser has no room left for this site: delete a layout, or save this one as a file"
        : REFUSED;
    }
  }

  /** Returns what went wrong; empty: nothing. @param {string} id */
  remove(id) {
    try {
      this.#entries().removeItem(this.#prefix + id);
      return "";
    } catch {
      return REFUSED;
    }
  }

  #read() {
    /** @type {Saved[]} */
    const layouts = [];
    /** @type {string[]} */
    const broken = [];
    let characters = 0;
    try {
      const entries = this.#entries();
      for (let i = 0; i < entries.length; i++) {
        const key = entries.key(i);
        if (!key?.startsWith(this.#prefix)) continue;
        const text = entries.getItem(key) ?? "";
        const id = key.slice(this.#prefix.length);
        characters += text.length;
        const layout = layoutOf(text);
        if (layout) layouts.push({ ...layout, id });
        else broken.push(id);
      }
      return { layouts, broken, characters, wrong: "" };
    } catch {
      return { layouts: [], broken: [], characters: 0, wrong: REFUSED };
    }
  }

  #entries() {
    const entries = this.#storage();
    if (!entries) throw new Error("There is no storage");
    return entries;
  }
}

export function newId() {
  // crypto.randomUUID() needs https.
  return [...crypto.getRandomValues(new Uint8Array(8))]
    .map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** @param {Layout} layout */
function textOf({ name, view }) {
  return JSON.stringify({ name, view });
}

/** Null where it is none. @param {string} text @returns {Layout | null} */
function layoutOf(text) {
  try {
    const found = JSON.parse(text);
    const { name, wrong } = checkedName(found?.name);
    const isLayout = wrong === "" && wrongOfView(found?.view) === "";
    return isLayout ? { name, view: found.view } : null;
  } catch {
    return null;
  }
}
