// What the steppers share: grids of numbers to look at, point at and type into, the fields above
// them, and the clock that plays.
import { calm, h, show } from "./frame.js";

export const STEPPER_HELP =
  "Arrows move the window · Space plays · [ ] stride · R resets · F full screen · Esc leaves";

/** The keys of a stepper, from what they do: move(down, right), play(), stride(by), reset(). */
export function stepperKeys({ move, play, stride, reset }) {
  return {
    ArrowLeft: () => move(0, -1),
    ArrowRight: () => move(0, 1),
    ArrowUp: () => move(-1, 0),
    ArrowDown: () => move(1, 0),
    " ": play,
    "[": () => stride(-1),
    "]": () => stride(1),
    r: reset,
    R: reset,
  };
}

/** What to say of a text that is no number for a place such as x[0, 1]. */
export function noNumber(text, place) {
  const written = text.trim() === "" ? "Nothing" : `“${text.trim()}”`;
  return `${written} is not a number from −9999 to 9999, so ${place} stays.`;
}

/** The index, if there is one in count of them; otherwise the nearest. */
export function clamp(index, count) {
  return Math.max(0, Math.min(count - 1, index));
}

/** A result as people write it: what only rounding has left of a zero is zero. */
export function tidy(value) {
  return show(Math.abs(value) < 1e-6 ? 0 : value);
}

/** The same in brackets where a sign would stand beside another: 3·(−1). */
export function bracketed(value) {
  return value < 0 ? `(${tidy(value)})` : tidy(value);
}

/** The same in few characters, for a small cell. */
export function brief(value, room = 5) {
  let text = tidy(value);
  for (let places = 3; text.length > room && places >= 0; places--) {
    text = tidy(Number(value.toFixed(places)));
  }
  return text;
}

/** The number that a text means: −1, 0.5, 0,5 or 1/9; null if it is none, or too large to show. */
export function typed(text) {
  const plain = text.trim().replaceAll("\u2212", "-").replaceAll(",", ".");
  if (!/^[-+]?(\d+\.?\d*|\.\d+)(\/\d+\.?\d*)?$/.test(plain)) return null;
  const [above, below = 1] = plain.split("/").map(Number);
  const value = above / below;
  return Math.abs(value) <= 9999 ? value : null;
}

/** Whether a text may still become a number: "-", "1/" or nothing at all. */
function unfinished(text) {
  return /^\s*[-\u2212+]?\d*[.,]?\d*\/?\s*$/.test(text) && typed(text) === null;
}

/**
 * A grid of numbers. Returns { node, draw, window, lock, title }.
 *
 * edit: { get(i, j), set(i, j, value), wrong(text), allowed(i, j) }, or null for a grid to look at.
 * pick(i, j): a cell was clicked, or has the focus. over(i, j), or over(null): the pointer.
 *
 * draw(rows, columns, cell) asks cell(i, j) for { text, colour, dark, title, marks }.
 */
export function numberGrid({ title, wide = 2.4, high = 2.4, edit = null, pick, over }) {
  const heading = h("span", { class: "grid-title" }, title);
  const outline = h("div", { class: "grid-window", hidden: true });
  const board = h("div", { class: "grid", style: `--wide: ${wide}em; --high: ${high}em` });
  const node = h("div", { class: "grid-pane" }, heading, board);
  let [rows, columns, cells, locked] = [0, 0, [], false];

  function build() {
    board.style.gridTemplateColumns = `repeat(${columns}, var(--wide))`;
    cells = Array.from({ length: rows * columns }, (_, n) => {
      const [i, j] = place(n);
      const open = edit && (!edit.allowed || edit.allowed(i, j));
      const attributes = { class: "grid-cell", "data-n": n };
      if (!open) return h("span", attributes);
      const label = `${title}, row ${i}, column ${j}`;
      // Without a type, as the frame keeps its keys from all that says type="text".
      const more = { tabindex: -1, "aria-label": label, autocomplete: "off", size: 1 };
      return h("input", { ...attributes, ...more });
    });
    board.replaceChildren(...cells, outline);
    for (const cell of cells) cell.readOnly = locked;
    const first = cells.find((cell) => cell.matches("input"));
    if (first) first.tabIndex = 0; // one stop for Tab, the arrows reach the others
  }

  function place(n) {
    return [Math.floor(n / columns), n % columns];
  }

  function draw(newRows, newColumns, cell) {
    if (newRows !== rows || newColumns !== columns) {
      [rows, columns] = [newRows, newColumns];
      build();
    }
    cells.forEach((box, n) => paint(box, cell(...place(n))));
  }

  function paint(box, { text, colour = "", dark = false, title: full = "", marks = "" }) {
    const key = [text, colour, dark, full, marks].join("|");
    if (box.key === key) return; // most cells stay as they are: leave those alone
    Object.assign(box, { key, text });
    if (!box.matches("input")) box.textContent = text;
    else if (box !== box.getRootNode().activeElement || locked) box.value = text;
    box.style.background = colour;
    box.style.color = dark ? "#fff" : "#111";
    box.className = `grid-cell ${marks}`;
    box.title = full;
  }

  function found(event) {
    const box = event.target.closest?.(".grid-cell");
    return box ? [box, ...place(Number(box.dataset.n))] : [];
  }

  function focused(event) {
    const [box, i, j] = found(event);
    if (!box?.matches("input")) return;
    for (const cell of cells) if (cell.matches("input")) cell.tabIndex = cell === box ? 0 : -1;
    if (locked) return;
    box.value = tidy(edit.get(i, j));
    box.select();
    pick?.(i, j);
  }

  function left(event) {
    const [box, i, j] = found(event);
    if (!box?.matches("input") || locked) return;
    if (typed(box.value) === null) edit.wrong(box.value, i, j);
    box.value = box.text;
    box.removeAttribute("aria-invalid");
  }

  function typing(event) {
    const [box, i, j] = found(event);
    const value = typed(box.value);
    box.toggleAttribute("aria-invalid", value === null && !unfinished(box.value));
    if (value !== null) edit.set(i, j, value);
    else if (!unfinished(box.value)) edit.wrong(box.value, i, j);
  }

  function clicked(event) {
    const [box, i, j] = found(event);
    if (box && (locked || !box.matches("input"))) pick?.(i, j);
  }

  /** Up and down change the number; at the end of the text, left and right go to the next one. */
  function pressed(event) {
    const [box, i, j] = found(event);
    if (!box?.matches("input") || event.ctrlKey || event.metaKey || event.altKey) return;
    const moves = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };
    const move = moves[event.key];
    if (locked) {
      if (event.key === "Enter") pick?.(i, j);
      else if (move) go(i + move[0], j + move[1]);
      else return;
    } else if (move?.[0]) nudge(box, i, j, -move[0] * (event.shiftKey ? 0.1 : 1));
    else if (move) {
      if (!atEnd(box, move[1])) return event.stopPropagation();
      go(i, j + move[1]);
    } else if (event.key === "Enter") go(...place((i * columns + j + 1) % cells.length));
    else if (event.key === "Escape") box.closest(".view").focus({ preventScroll: true });
    else {
      // Space and [ ] are for the view, and all else is for the text.
      if (![" ", "[", "]", "Tab"].includes(event.key)) event.stopPropagation();
      return;
    }
    event.preventDefault();
    event.stopPropagation();
  }

  function nudge(box, i, j, step) {
    const value = Number((edit.get(i, j) + step).toFixed(6));
    if (Math.abs(value) > 9999) return;
    edit.set(i, j, value);
    box.value = tidy(value);
    box.removeAttribute("aria-invalid");
    box.select();
  }

  function atEnd(box, direction) {
    const all = box.selectionStart === 0 && box.selectionEnd === box.value.length;
    return all || box.selectionStart === (direction < 0 ? 0 : box.value.length);
  }

  function go(i, j) {
    const box = i >= 0 && i < rows && j >= 0 && j < columns ? cells[i * columns + j] : null;
    if (box?.matches("input")) box.focus({ preventScroll: true });
  }

  board.addEventListener("click", clicked);
  board.addEventListener("focusin", focused);
  board.addEventListener("focusout", left);
  board.addEventListener("input", typing);
  board.addEventListener("keydown", pressed);
  board.addEventListener("pointerover", (event) => over?.(...found(event).slice(1)));
  board.addEventListener("pointerleave", () => over?.());

  return {
    node,
    draw,
    /** Frame the cells from (i, j) on, height × width of them; or none. */
    window(i, j, height, width) {
      outline.hidden = i === undefined;
      const of = (count, side) => `calc(${count} * var(--${side}))`;
      const [top, start] = [of(i, "high"), of(j, "wide")];
      Object.assign(outline.style, { top, left: start });
      Object.assign(outline.style, { height: of(height, "high"), width: of(width, "wide") });
    },
    /** No typing, as long as a question is open. */
    lock(yes) {
      locked = yes;
      for (const cell of cells) cell.readOnly = yes;
    },
    title(text) {
      heading.textContent = text;
    },
    /** Smaller or larger cells, in em. */
    cells(newWide, newHigh) {
      board.style.setProperty("--wide", `${newWide}em`);
      board.style.setProperty("--high", `${newHigh}em`);
    },
  };
}

/** A field for a number, with its name: { node, set }. change(value) gets NaN for what is none. */
export function field(name, { min, max, step = 1 }, change) {
  const input = h("input", { type: "number", min, max, step, class: "stepper-field" });
  let last = "";
  input.addEventListener("input", () => {
    input.toggleAttribute("aria-invalid", !change(input.value === "" ? NaN : Number(input.value)));
  });
  input.addEventListener("blur", () => set(last));
  function set(value) {
    last = value;
    if (input !== input.getRootNode().activeElement || Number(input.value) !== value) {
      input.value = value;
    }
    input.removeAttribute("aria-invalid");
  }
  return { node: h("label", {}, `${name} `, input), set };
}

/** A list to choose from, with its name: { node, set }. choices: { label: value, … }. */
export function choice(name, choices, change) {
  const options = Object.keys(choices).map((label) => h("option", { value: label }, label));
  const select = h("select", { "aria-label": name }, options);
  select.addEventListener("change", () => change(choices[select.value], select.value));
  return { node: h("label", {}, `${name} `, select), set: (label) => { select.value = label; } };
}

/**
 * Calls step() again and again until it returns false: { toggle, stop, playing }. Where the
 * reader asks for less motion, toggle() is a single step, and playing lasts until the last one.
 */
export function player(step, changed, milliseconds = 600) {
  let [timer, begun] = [null, false];
  function stop() {
    if (!begun) return;
    clearInterval(timer);
    [timer, begun] = [null, false];
    changed(false);
  }
  function toggle() {
    if (timer !== null) return stop();
    begun = true;
    if (calm()) return void (step() === false && stop());
    timer = setInterval(() => step() === false && stop(), milliseconds);
    changed(true);
  }
  return { toggle, stop, playing: () => timer !== null };
}
