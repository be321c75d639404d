// The list of the layouts that are saved in this browser: open, rename, delete.
// Invariant: what was deleted can be brought back until something else is done.
import { el } from "./dom.js";
import { aboutLayout, checkedName } from "./layout.js";

/** @typedef {import("./layout.js").Layout} Layout */
/** @typedef {import("./layout_store.js").Saved} Saved */
/**
 * @typedef {object} Options
 * @property {import("./layout_store.js").LayoutStore} store
 * @property {(said: string, wrong?: string, ...buttons: HTMLElement[]) => void} say
 * @property {(layout: Layout) => void} onOpen
 */

export class LayoutList {
  element = el("div", {});
  /** Whether a name is being changed. */
  isRenaming = false;
  #options;

  /** @param {Options} options */
  constructor(options) {
    this.#options = options;
  }

  show() {
    this.isRenaming = false;
    const { layouts, broken, wrong } = this.#options.store.list();
    this.element.replaceChildren(
      el("h3", { textContent: "In this browser" }),
      el("p", {
        class: "hint",
        textContent: wrong !== ""
          ? wrong
          : layouts.length === 0
          ? "No layout is saved yet."
          : "",
      }),
      el(
        "ul",
        { class: "layouts" },
        ...layouts.map((one) => this.#item(one)),
      ),
      broken.length > 0 ? this.#broken(broken) : "",
    );
  }

  /** @param {Saved} saved */
  #item(saved) {
    const item = el(
      "li",
      { "data-id": saved.id },
      opener(saved, this.#options.onOpen),
      button("Rename", () => this.#rename(saved, item), saved.name),
      button("Delete", () => this.#delete(saved), saved.name),
    );
    return item;
  }

  /**
   * @param {Saved} saved
   * @param {HTMLLIElement} item
   */
  #rename(saved, item) {
    this.isRenaming = true;
    const field = el("input", {
      value: saved.name,
      autocomplete: "off",
      "aria-label": `New name of ${saved.name}`,
    });
    const form = el(
      "form",
      {
        onsubmit: (/** @type {Event} */ event) => {
          event.preventDefault();
          this.#renameTo(saved, field);
        },
      },
      field,
      el("button", { type: "submit", textContent: "Rename" }),
      button("Cancel", () => this.show()),
    );
    item.replaceChildren(form);
    field.focus();
    field.select();
  }

  /**
   * @param {Saved} saved
   * @param {HTMLInputElement} field
   */
  #renameTo({ id, name: before, view }, field) {
    const { say, store } = this.#options;
    const { name, wrong } = checkedName(field.value);
    const isTaken = store.list().layouts.some((one) =>
      one.name === name && one.id !== id
    );
    const why = wrong !== ""
      ? wrong
      : isTaken
      ? `There is a layout “${name}” already`
      : store.put({ name, view }, id);
    say(why === "" ? `“${before}” is now “${name}”` : "", why);
    if (why !== "") return field.focus();
    this.show();
    this.#focus(id);
  }

  /** @param {Saved} saved */
  #delete(saved) {
    const { say, store } = this.#options;
    const wrong = store.remove(saved.id);
    this.show();
    if (wrong !== "") return say("", wrong);
    const undo = button("Undo", () => {
      const wrong = store.put(saved, saved.id);
      say(wrong === "" ? `Restored “${saved.name}”` : "", wrong);
      this.show();
      this.#focus(saved.id);
    });
    say(`Deleted “${saved.name}” `, "", undo);
    undo.focus();
  }

  /** @param {string} id */
  #focus(id) {
    const item = [...this.element.querySelectorAll("li")]
      .find((li) => li.dataset.id === id);
    item?.querySelector("button")?.focus();
  }

  /** @param {readonly string[]} broken */
  #broken(broken) {
    const what = broken.length === 1
      ? "1 entry of this browser is not a layout. "
      : `${broken.length} entries of this browser are not layouts. `;
    return el(
      "p",
      { class: "hint" },
      what,
      button("Remove", () => {
        const { say, store } = this.#options;
        const wrong = broken.map((id) => store.remove(id)).find((w) =>
          w !== ""
        );
        say(wrong ? "" : "Removed", wrong);
        this.show();
      }),
    );
  }
}

/**
 * A button that shows what a layout is, and opens it.
 * @param {Layout} layout
 * @param {(layout: Layout) => void} onOpen
 */
export function opener(layout, onOpen) {
  return el(
    "button",
    {
      type: "button",
      class: "opener",
      title: "Open this layout",
      onclick: () => onOpen(layout),
    },
    el("b", { textContent: layout.name }),
    el("small", { textContent: aboutLayout(layout.view) }),
  );
}

/**
 * @param {string} text
 * @param {() => void} onclick
 * @param {string} [of] what it acts on, where there are several
 */
export function button(text, onclick, of) {
  return el("button", {
    type: "button",
    textContent: text,
    "aria-label": of && `${text}: ${of}`,
    onclick,
  });
}
