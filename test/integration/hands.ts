// A user's hands on the page in Chromium: real positions of the mouse and real keys; controls are found by what they are
// called. Invariant: only what is visible, and not behind an open dialog, can be clicked, once it stays where it is.
import type { BrowserPage } from "./browser_page.ts";
import type { Point } from "./touch.ts";

const SOON_MS = 120_000;
const STEPS = 6;
/** What has not moved for so long is clicked: a user takes longer. */
const STILL_MS = 100;
/** Codes of keys that Chromium's own controls (menus, fields) act on. */
const CODES: Record<string, number> = {
  Backspace: 8,
  Enter: 13,
  Escape: 27,
  ArrowUp: 38,
  ArrowDown: 40,
};
const CTRL = 2;

/** Where the nth visible control with this name is; a name may be the beginning of a longer one. */
const MIDDLE_OF = `(name, n) => {
  const root = document.querySelector("dialog[open]") ?? document;
  const called = (e) => [e.getAttribute("aria-label"), e.innerText?.trim(), e.title,
    e.labels?.[0]?.innerText.trim(), e.placeholder].filter((text) => text);
  const all = [...root.querySelectorAll("button, select, input, a")]
    .filter((e) => e.checkVisibility({ visibilityProperty: true }) && !e.disabled && !e.closest("[aria-busy=true]"));
  const exact = all.filter((e) => called(e).includes(name));
  const found = exact.length > n ? exact : all.filter((e) => called(e).some((text) => text.startsWith(name)));
  const one = found[n];
  if (!one) return null;
  one.scrollIntoView({ block: "nearest", inline: "nearest" });
  const { x, y, width, height } = one.getBoundingClientRect();
  const at = { x: x + width / 2, y: y + height / 2 };
  const hit = document.elementFromPoint(at.x, at.y);
  return one === hit || one.contains(hit) || hit?.contains(one) ? at : null;
}`;

export class Hands {
  readonly #page: BrowserPage;

  constructor(page: BrowserPage) {
    this.#page = page;
  }

  /** The middle of a control, once it is there and does not move. `n`: which one of several. */
  async find(name: string, n = 0): Promise<Point> {
    const middle = `(${MIDDLE_OF})(${JSON.stringify(name)}, ${n})`;
    for (let before: Point | null = null;;) {
      const at = await this.#page.until(middle, SOON_MS) as Point;
      if (at.x === before?.x && at.y === before.y) return at;
      before = at;
      await new Promise((resolve) => setTimeout(resolve, STILL_MS));
    }
  }

  async click(name: string, n = 0): Promise<void> {
    await this.clickAt(await this.find(name, n));
  }

  async clickAt({ x, y }: Point): Promise<void> {
    await this.#mouse("mouseMoved", { x, y });
    const button = { button: "left", clickCount: 1 };
    await this.#mouse("mousePressed", { x, y }, button);
    await this.#mouse("mouseReleased", { x, y }, button);
  }

  /** Replaces the text of a field. */
  async fill(name: string, text: string): Promise<void> {
    await this.click(name);
    await this.#key("a", { modifiers: CTRL, commands: ["selectAll"] });
    await this.#key("Backspace");
    await this.#page.type(text);
  }

  /** Takes a choice of a menu: opens it, goes to the choice and presses Enter. */
  async choose(name: string, choice: string): Promise<void> {
    await this.click(name);
    const steps = await this.#page.evaluate(
      `(({ options, selectedIndex }) =>
        [...options].findIndex(({ text }) => text.trim() === ${
        JSON.stringify(choice)
      }) - selectedIndex)(document.activeElement)`,
    ) as number;
    for (let i = 0; i < Math.abs(steps); i++) {
      await this.#key(steps > 0 ? "ArrowDown" : "ArrowUp");
    }
    await this.#key("Enter");
  }

  press(key: string): Promise<void> {
    return this.#key(key);
  }

  async moveTo(at: Point): Promise<void> {
    await this.#mouse("mouseMoved", at);
  }

  async drag(from: Point, to: Point): Promise<void> {
    await this.#mouse("mouseMoved", from);
    await this.#mouse("mousePressed", from, { button: "left", clickCount: 1 });
    for (let i = 1; i <= STEPS; i++) {
      const at = {
        x: from.x + (to.x - from.x) * i / STEPS,
        y: from.y + (to.y - from.y) * i / STEPS,
      };
      await this.#mouse("mouseMoved", at, { button: "left", buttons: 1 });
    }
    await this.#mouse("mouseReleased", to, { button: "left", clickCount: 1 });
  }

  /** A place in the nth plot: shares of its width and height. */
  async placeIn(n: number, share: number, high = 0.5): Promise<Point> {
    return await this.#page.until(
      `(() => {
      const over = document.querySelectorAll(".plot .u-over")[${n}];
      if (!over) return null;
      over.scrollIntoView({ block: "nearest" });
      const { left, top, width, height } = over.getBoundingClientRect();
      return { x: left + width * ${share}, y: top + height * ${high} };
    })()`,
      SOON_MS,
    ) as Point;
  }

  /** Waits until an element of these has such a text; returns the text. */
  async sees(selector: string, pattern: RegExp): Promise<string> {
    return await this.#page.until(
      `[...document.querySelectorAll(${
        JSON.stringify(selector)
      })].map((e) => e.textContent).find((text) => ${pattern}.test(text))`,
      SOON_MS,
    ) as string;
  }

  /** Waits until the time that is shown is this one, or less than so many seconds. */
  async seesSpan(span: string | number): Promise<void> {
    const is = typeof span === "string"
      ? `text === ${JSON.stringify(span)}`
      : `/^[\\d.]+ s$/.test(text) && parseFloat(text) < ${span}`;
    await this.#page.until(
      `[...document.querySelector("#span").selectedOptions].some(({ text }) => ${is})`,
      SOON_MS,
    );
  }

  async #key(key: string, more: Record<string, unknown> = {}): Promise<void> {
    const code = CODES[key] ?? key.toUpperCase().charCodeAt(0);
    const isLetter = key.length === 1 && !more.modifiers;
    const text = isLetter ? key : key === "Enter" ? "\r" : undefined;
    const event = { key, windowsVirtualKeyCode: code, ...more };
    await this.#page.call("Input.dispatchKeyEvent", {
      type: text ? "keyDown" : "rawKeyDown",
      ...event,
      ...(text ? { text } : {}),
    });
    await this.#page.call("Input.dispatchKeyEvent", {
      type: "keyUp",
      ...event,
      commands: [],
    });
  }

  async #mouse(
    type: string,
    { x, y }: Point,
    more: Record<string, unknown> = {},
  ): Promise<void> {
    await this.#page.call("Input.dispatchMouseEvent", { type, x, y, ...more });
  }
}
