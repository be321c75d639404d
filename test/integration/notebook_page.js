// Runs a widget in a page as anywidget does: its module from a blob, a model with the state that a notebook has saved.

/** The part of anywidget's model that a widget sees. */
class Model {
  #state;
  #takers = [];

  constructor(state) {
    this.#state = { ...state };
  }

  get(name) {
    return this.#state[name];
  }

  set(name, value) {
    if (this.#state[name] === value) return;
    this.#state[name] = value;
    this.fire(`change:${name}`);
  }

  save_changes() {}

  on(event, take) {
    this.#takers.push({ event, take });
  }

  off(event, take) {
    this.#takers = this.#takers.filter((one) =>
      one.event !== event || one.take !== take
    );
  }

  fire(event, message) {
    for (const one of [...this.#takers]) {
      if (one.event === event) one.take(message);
    }
  }

  /** The kernel, which answers with `globalThis.answer`. */
  send({ kind, number }) {
    const { answer } = globalThis;
    setTimeout(() => this.fire("msg:custom", { kind, number, ...answer }));
  }
}

/** @param {HTMLCanvasElement} canvas */
function pixelsOf(canvas) {
  const { width, height } = canvas;
  if (width === 0 || height === 0) return [];
  const copy = new OffscreenCanvas(width, height);
  const ctx = copy.getContext("2d", { willReadFrequently: true });
  ctx.drawImage(canvas, 0, 0);
  return ctx.getImageData(0, 0, width, height).data;
}

/** Pixels of about this colour that are not nearly transparent. */
function countOf(pixels, colour) {
  let count = 0;
  for (let at = 0; at < pixels.length; at += 4) {
    const isSame = pixels[at + 3] > 40 &&
      colour.every((value, i) => Math.abs(pixels[at + i] - value) <= 8);
    if (isSame) count++;
  }
  return count;
}

globalThis.answer = {};

/** Shows a widget, alone or below those that are there; `plot` is what tests look at. */
globalThis.openPlot = async (state, isAlone = true) => {
  const blob = new Blob([state._esm], { type: "text/javascript" });
  const { default: widget } = await import(URL.createObjectURL(blob));
  const model = new Model(state);
  const el = document.createElement("div");
  if (isAlone) document.body.replaceChildren(el);
  else document.body.append(el);
  const close = await widget.render({ model, el });
  globalThis.plot = {
    model,
    el,
    close,
    get state() {
      return el.querySelector("output")?.dataset.state;
    },
    get text() {
      return el.textContent;
    },
    /** Pixels of each channel's line, and of hatched time. */
    get drawn() {
      return [...el.querySelectorAll("canvas")].map((canvas, i) => {
        const pixels = pixelsOf(canvas);
        const colour = [[47, 127, 193], [200, 98, 14]][i];
        return {
          line: countOf(pixels, colour),
          hatched: countOf(pixels, [199, 119, 0]),
        };
      });
    },
  };
};
globalThis.isReady = true;
