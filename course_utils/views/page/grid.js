// A grid of numbers to look at, point at and type into.
import { h } from "./frame.js";
import { tidy, typed, unfinished } from "./numbers.js";
import { LARGEST } from "./sizes.js";

const ARROWS = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };
/** The keys that are for the view also while a number is being typed. */
const FOR_THE_VIEW = [" ", "[", "]", "Tab"];

/**
 * title: also in the labels of its cells. wide, high: of a cell, in em.
 *
 * edit: { get(i, j), set(i, j, value), wrong(text, i, j), allowed(i, j) }, or null for a grid to
 * look at. pick(i, j): a cell was clicked, or has the focus. over(i, j), or over(): the pointer.
 */
export class NumberGrid {
  constructor({ title, wide = 2.4, high = 2.4, edit = null, pick, over }) {
    Object.assign(this, { title, edit, pick, over });
    this.heading = h("span", { class: "grid-title" }, title);
    this.outline = h("div", { class: "grid-window", hidden: true });
    this.board = h("div", { class: "grid", style: `--wide: ${wide}em; --high: ${high}em` });
    this.node = h("div", { class: "grid-pane" }, this.heading, this.board);
    this.size = [0, 0];
    this.boxes = [];
    this.locked = false;
    this.listen();
  }

  listen() {
    const { board } = this;
    board.addEventListener("click", (event) => this.clicked(event));
    board.addEventListener("focusin", (event) => this.focused(event));
    board.addEventListener("focusout", (event) => this.left(event));
    board.addEventListener("input", (event) => this.typing(event));
    board.addEventListener("keydown", (event) => this.pressed(event));
    board.addEventListener("pointerover", (event) => this.over?.(...this.found(event).slice(1)));
    board.addEventListener("pointerleave", () => this.over?.());
  }

  // --- what is shown -------------------------------------------------------------------------

  /**
   * Show a picture: { title, size: [rows, columns], cell }, where cell(i, j) is
   * { text, colour, dark, title, marks }; and if it has them, room: [wide, high] of a cell in em,
   * and frame: [i, j, height, width], the cells that are framed.
   */
  draw({ title, size, cell, room = null, frame = null }) {
    this.heading.textContent = title;
    if (room) {
      this.board.style.setProperty("--wide", `${room[0]}em`);
      this.board.style.setProperty("--high", `${room[1]}em`);
    }
    if (size[0] !== this.size[0] || size[1] !== this.size[1]) this.build(size);
    this.boxes.forEach((box, n) => this.paint(box, cell(...this.place(n))));
    this.outline.hidden = frame === null;
    if (frame) this.enclose(...frame);
  }

  build(size) {
    const [rows, columns] = this.size = size;
    this.board.style.gridTemplateColumns = `repeat(${columns}, var(--wide))`;
    this.boxes = Array.from({ length: rows * columns }, (_, n) => this.box(n));
    this.board.replaceChildren(...this.boxes, this.outline);
    const first = this.boxes.find(isInput);
    if (first) first.tabIndex = 0; // one stop for Tab, the arrows reach the others
  }

  box(n) {
    const [i, j] = this.place(n);
    const attributes = { class: "grid-cell", "data-n": n };
    const open = this.edit && (!this.edit.allowed || this.edit.allowed(i, j));
    if (!open) return h("span", attributes);
    const label = `${this.title}, row ${i}, column ${j}`;
    // Without a type, as the frame keeps its keys from all that says type="text".
    const more = { tabindex: -1, "aria-label": label, autocomplete: "off", size: 1 };
    const box = h("input", { ...attributes, ...more });
    box.readOnly = this.locked;
    return box;
  }

  paint(box, { text, colour = "", dark = false, title = "", marks = "" }) {
    const key = [text, colour, dark, title, marks].join("|");
    if (box.key === key) return; // most cells stay as they are: leave those alone
    Object.assign(box, { key, text });
    if (!isInput(box)) box.textContent = text;
    else if (box !== box.getRootNode().activeElement || this.locked) box.value = text;
    box.style.background = colour;
    box.style.color = dark ? "#fff" : "#111";
    box.className = `grid-cell ${marks}`;
    box.title = title;
  }

  enclose(i, j, height, width) {
    const long = (count, side) => `calc(${count} * var(--${side}))`;
    Object.assign(this.outline.style, { top: long(i, "high"), left: long(j, "wide") });
    Object.assign(this.outline.style, { height: long(height, "high"), width: long(width, "wide") });
  }

  /** No typing, as long as a question is open. */
  lock(yes) {
    this.locked = yes;
    for (const box of this.boxes) box.readOnly = yes;
  }

  // --- what the learner does -----------------------------------------------------------------

  place(n) {
    const columns = this.size[1];
    return [Math.floor(n / columns), n % columns];
  }

  /** The cell of an event and its place, [box, i, j]; nothing beside the cells. */
  found(event) {
    const box = event.target.closest?.(".grid-cell");
    return box ? [box, ...this.place(Number(box.dataset.n))] : [];
  }

  focused(event) {
    const [box, i, j] = this.found(event);
    if (!isInput(box)) return;
    for (const other of this.boxes.filter(isInput)) other.tabIndex = other === box ? 0 : -1;
    if (this.locked) return;
    box.value = tidy(this.edit.get(i, j));
    box.select();
    this.pick?.(i, j);
  }

  left(event) {
    const [box, i, j] = this.found(event);
    if (!isInput(box) || this.locked) return;
    if (typed(box.value) === null) this.edit.wrong(box.value, i, j);
    box.value = box.text;
    box.removeAttribute("aria-invalid");
  }

  typing(event) {
    const [box, i, j] = this.found(event);
    const value = typed(box.value);
    const wrong = value === null && !unfinished(box.value);
    box.toggleAttribute("aria-invalid", wrong);
    if (value !== null) this.edit.set(i, j, value);
    else if (wrong) this.edit.wrong(box.value, i, j);
  }

  clicked(event) {
    const [box, i, j] = this.found(event);
    if (box && (this.locked || !isInput(box))) this.pick?.(i, j);
  }

  pressed(event) {
    const [box, i, j] = this.found(event);
    if (!isInput(box) || event.ctrlKey || event.metaKey || event.altKey) return;
    const used = this.locked ? this.useKeyLocked(event, i, j) : this.useKey(event, box, i, j);
    if (used) event.preventDefault();
    // Space and [ ] are for the view, and all else is for the text.
    if (used || (!this.locked && !FOR_THE_VIEW.includes(event.key))) event.stopPropagation();
  }

  /** A key on a cell in which nothing can be typed. Returns whether it was of use. */
  useKeyLocked({ key }, i, j) {
    if (key === "Enter") this.pick?.(i, j);
    else if (ARROWS[key]) this.go(i + ARROWS[key][0], j + ARROWS[key][1]);
    else return false;
    return true;
  }

  /**
   * Up and down change the number; at the end of the text, left and right go to the next one.
   * Returns whether the key was of use.
   */
  useKey({ key, shiftKey }, box, i, j) {
    const [down, right] = ARROWS[key] ?? [0, 0];
    if (down) this.nudge(box, i, j, -down * (shiftKey ? 0.1 : 1));
    else if (right && atEnd(box, right)) this.go(i, j + right);
    else if (key === "Enter") this.goAfter(i, j);
    else if (key === "Escape") box.closest(".view").focus({ preventScroll: true });
    else return false;
    return true;
  }

  nudge(box, i, j, step) {
    const value = Number((this.edit.get(i, j) + step).toFixed(6));
    if (Math.abs(value) > LARGEST) return;
    this.edit.set(i, j, value);
    box.value = tidy(value);
    box.removeAttribute("aria-invalid");
    box.select();
  }

  /** To the next cell in row order, after the last one to the first. */
  goAfter(i, j) {
    const n = i * this.size[1] + j + 1;
    this.go(...this.place(n % this.boxes.length));
  }

  go(i, j) {
    const [rows, columns] = this.size;
    const inside = i >= 0 && i < rows && j >= 0 && j < columns;
    const box = inside ? this.boxes[i * columns + j] : null;
    if (isInput(box)) box.focus({ preventScroll: true });
  }
}

function isInput(box) {
  return Boolean(box?.matches("input"));
}

/** Whether the cursor can go no further in this direction, or the whole text is chosen. */
function atEnd({ selectionStart, selectionEnd, value }, direction) {
  const all = selectionStart === 0 && selectionEnd === value.length;
  return all || selectionStart === (direction < 0 ? 0 : value.length);
}
