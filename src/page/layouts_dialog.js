// The dialog "Layouts": saves what is shown under a name, lists what is saved, and reads and writes files.
// Invariant: nothing is replaced without a question.
import { el } from "./dom.js";
import { save } from "./download.js";
import { checkedName, wrongOfView } from "./layout.js";
import { fileNameOf, fileOf, readFile } from "./layout_file.js";
import { button, LayoutList, opener } from "./layout_list.js";

/** @typedef {import("./layout.js").Layout} Layout */
/**
 * @typedef {object} Options
 * @property {import("./layout_store.js").LayoutStore} store
 * @property {() => boolean} isPaused
 * @property {(keepsTime: boolean) => string} shown text of the view that is shown
 * @property {(layout: Layout) => void} onOpen
 * @property {() => void} onClear removes all plots
 */

export class LayoutsDialog {
  #dialog;
  #options;
  #name = el("input", {
    id: "layout-name",
    autocomplete: "off",
    spellcheck: false,
    "aria-describedby": "layout-wrong",
  });
  #timeText = el("span", {});
  #keepsTime = el("input", { type: "checkbox", id: "layout-time" });
  #file = el("input", {
    type: "file",
    id: "layout-file",
    accept: ".json,application/json",
    hidden: true,
  });
  #wrong = el("p", { id: "layout-wrong", class: "wrong", role: "alert" });
  #said = el("p", { class: "said", role: "status" });
  #list;
  #inFile = el("div", {});

  /**
   * @param {HTMLDialogElement} dialog
   * @param {Options} options
   */
  constructor(dialog, options) {
    this.#dialog = dialog;
    this.#options = options;
    this.#list = new LayoutList({
      store: options.store,
      say: (said, wrong, ...buttons) => this.#say(said, wrong, ...buttons),
      onOpen: (layout) => this.#show(layout),
    });
    this.#file.onchange = () => this.#readFile();
    dialog.replaceChildren(
      el(
        "header",
        {},
        el("h2", { id: "layouts-title", textContent: "Layouts" }),
        el("button", {
          type: "button",
          class: "icon",
          textContent: "×",
          "aria-label": "Close",
          onclick: () => dialog.close(),
        }),
      ),
      this.#form(),
      this.#wrong,
      this.#said,
      this.#list.element,
      el(
        "p",
        { class: "choice" },
        button("Open a file", () => this.#file.click()),
        button("Save all as a file", () => this.#saveAllAsFile()),
      ),
      this.#inFile,
      this.#file,
    );
    // Another tab saves or deletes one.
    addEventListener("storage", () => {
      if (dialog.open && !this.#list.isRenaming) this.#list.show();
    });
  }

  open() {
    const isPaused = this.#options.isPaused();
    this.#keepsTime.disabled = !isPaused;
    this.#keepsTime.checked = false;
    this.#timeText.textContent = isPaused
      ? "Keep the time at which the page is paused"
      : "Keep the time (the page is live: pause it first)";
    this.#say("");
    this.#inFile.replaceChildren();
    this.#list.show();
    this.#dialog.showModal();
    this.#name.focus();
    this.#name.select();
  }

  #form() {
    return el(
      "form",
      {
        onsubmit: (/** @type {Event} */ event) => {
          event.preventDefault();
          this.#save();
        },
      },
      el("label", {
        htmlFor: "layout-name",
        textContent: "Name for what is shown now",
      }),
      this.#name,
      el(
        "label",
        { class: "check" },
        this.#keepsTime,
        this.#timeText,
      ),
      el(
        "p",
        { class: "choice" },
        el("button", { type: "submit", class: "primary", textContent: "Save" }),
        button("Save as a file", () => this.#saveFile()),
        button("Remove all plots", () => {
          this.#dialog.close();
          this.#options.onClear();
        }),
      ),
    );
  }

  /** What is shown, under the name in the field; null where the name is wrong. */
  #layout() {
    const { name, wrong } = checkedName(this.#name.value);
    const view = this.#options.shown(this.#keepsTime.checked);
    const viewWrong = wrongOfView(view);
    const why = viewWrong === "" ? wrong : `The view: ${viewWrong}`;
    this.#say("", why);
    if (why === "") return { name, view };
    this.#name.focus();
    return null;
  }

  #save() {
    const layout = this.#layout();
    if (!layout) return;
    const { layouts, wrong } = this.#options.store.list();
    if (wrong !== "") return this.#say("", wrong);
    const before = layouts.find(({ name }) => name === layout.name);
    if (!before) return this.#put(layout, "Saved");
    const no = button("Keep the old one", () => {
      this.#say("");
      this.#name.focus();
    });
    const yes = button(
      "Replace it",
      () => this.#put(layout, "Replaced", before.id),
    );
    this.#say(`There is a layout “${layout.name}” already `, "", yes, no);
    no.focus();
  }

  /**
   * @param {Layout} layout
   * @param {string} done
   * @param {string} [id]
   */
  #put(layout, done, id) {
    const wrong = this.#options.store.put(layout, id);
    this.#say(wrong === "" ? `${done} “${layout.name}”` : "", wrong);
    this.#list.show();
    this.#name.focus();
  }

  #saveFile() {
    const layout = this.#layout();
    if (layout) this.#write([layout]);
  }

  /** @param {readonly Layout[]} layouts */
  #write(layouts) {
    const name = fileNameOf(layouts);
    save(new Blob([fileOf(layouts)], { type: "application/json" }), name);
    this.#say(`Saved as ${name}`);
  }

  #saveAllAsFile() {
    const { layouts, wrong } = this.#options.store.list();
    if (layouts.length > 0) return this.#write(layouts);
    this.#say("", wrong || "No layout is saved in this browser yet");
  }

  async #readFile() {
    const [file] = this.#file.files ?? [];
    if (!file) return;
    const { layouts, wrong } = await readFile(file);
    // The same file can be chosen again.
    this.#file.value = "";
    this.#inFile.replaceChildren();
    if (wrong !== "") return this.#say("", `${file.name}: ${wrong}`);
    this.#say("");
    if (layouts.length === 1) return this.#show(layouts[0]);
    this.#inFile.replaceChildren(
      el("h3", { textContent: `In ${file.name}` }),
      el(
        "ul",
        { class: "layouts" },
        ...layouts.map((layout) =>
          el("li", {}, opener(layout, (one) => this.#show(one)))
        ),
      ),
      el(
        "p",
        { class: "choice" },
        button("Save all in this browser", () => this.#saveAll(layouts)),
      ),
    );
    this.#inFile.querySelector("button")?.focus();
  }

  /** Saves those of a file whose names are new. @param {readonly Layout[]} layouts */
  #saveAll(layouts) {
    const { store } = this.#options;
    const names = new Set(store.list().layouts.map(({ name }) => name));
    let saved = 0;
    let wrong = "";
    for (const layout of layouts) {
      if (names.has(layout.name)) continue;
      wrong = store.put(layout);
      if (wrong !== "") break;
      names.add(layout.name);
      saved++;
    }
    const left = layouts.length - saved;
    const why = left > 0 && wrong === ""
      ? `; ${left} not, since their names are taken`
      : "";
    this.#say(`Saved ${saved} of ${layouts.length} layouts${why}`, wrong);
    this.#list.show();
  }

  /** @param {Layout} layout */
  #show(layout) {
    this.#name.value = layout.name;
    this.#dialog.close();
    this.#options.onOpen(layout);
  }

  /**
   * @param {string} said
   * @param {string} [wrong]
   * @param {...HTMLElement} buttons that go with what is said
   */
  #say(said, wrong = "", ...buttons) {
    this.#said.replaceChildren(said, ...buttons);
    this.#wrong.textContent = wrong;
  }
}
