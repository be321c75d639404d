// Layouts as a file: JSON with a version.
// Invariant: a file is only read as data: names are shown as text, and a view is parsed as an address is.
import { checkedName, wrongOfView } from "./layout.js";
import { COUNT_MAX } from "./layout_store.js";

/** @typedef {import("./layout.js").Layout} Layout */
/** @typedef {{ layouts: Layout[], wrong: string }} Read */

const VERSION = 1;
/** All layouts of a browser have room. */
export const FILE_BYTES_MAX = 2_000_000;

/** @param {readonly Layout[]} layouts */
export function fileOf(layouts) {
  const each = layouts.map(({ name, view }) => ({ name, view }));
  const file = { qanat_layouts: VERSION, layouts: each };
  return `${JSON.stringify(file, null, 2)}\n`;
}

/** @param {readonly Layout[]} layouts */
export function fileNameOf(layouts) {
  const [first] = layouts;
  if (!first || layouts.length > 1) return "qanat-layouts.json";
  const word = first.name.replace(/[^\p{L}\p{N}]+/gu, "-")
    .replace(/^-+|-+$/g, "").slice(0, 60);
  return `qanat-layout-${word || "view"}.json`;
}

/**
 * The layouts of a file that a user chose, and what is wrong with it.
 * @param {Blob & { name: string }} file
 * @returns {Promise<Read>}
 */
export async function readFile(file) {
  if (file.size > FILE_BYTES_MAX) {
    const has = file.size.toLocaleString("en");
    const most = FILE_BYTES_MAX.toLocaleString("en");
    return wrong(`it has ${has} bytes; a file of layouts has ${most} at most`);
  }
  try {
    return layoutsOf(await file.text());
  } catch (error) {
    // For example when it was deleted after the user chose it.
    return wrong(/** @type {Error} */ (error).message);
  }
}

/** @param {string} text @returns {Read} */
export function layoutsOf(text) {
  /** @type {any} */
  let file;
  try {
    file = JSON.parse(text);
  } catch {
    return wrong("it is not JSON");
  }
  const version = file?.qanat_layouts;
  if (version === undefined) {
    return wrong('it has no "qanat_layouts", so it is not a file of layouts');
  }
  if (version !== VERSION) {
    const given = JSON.stringify(version).slice(0, 40);
    return wrong(`it has version ${given}; this page reads version ${VERSION}`);
  }
  const given = file.layouts;
  if (!Array.isArray(given) || given.length < 1 || given.length > COUNT_MAX) {
    return wrong(`its "layouts" are not a list of 1 to ${COUNT_MAX} layouts`);
  }
  /** @type {Layout[]} */
  const layouts = [];
  for (const [i, one] of given.entries()) {
    const { name, wrong: nameWrong } = checkedName(one?.name);
    if (nameWrong) return wrong(`"name" of layout ${i + 1}: ${nameWrong}`);
    const viewWrong = wrongOfView(one?.view);
    if (viewWrong) {
      return wrong(`"view" of layout ${i + 1} ("${name}"): ${viewWrong}`);
    }
    layouts.push({ name, view: one.view });
  }
  return { layouts, wrong: "" };
}

/** @param {string} why @returns {Read} */
function wrong(why) {
  return { layouts: [], wrong: why };
}
