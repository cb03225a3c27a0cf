// The table of a panel: numbers, numbers that can be asked about, and controls.
import { h } from "../frame.js";
import { marginCell } from "./margin.js";

/**
 * The rows of a table that Python has sent: { head, rows, caption, left, margin }, where left says
 * how many columns are of words, which begin at the left. A cell is a text, or { text, why, set,
 * colour, dark, strong }, where why or set make it a button; or { control }, a name. margin: what
 * is drawn beside the rows, { head, lanes, rows } as in margin.js; or nothing.
 *
 * pick(cell): such a button was pressed. control(name): the node of a control.
 */
export function tableOf({ head, rows, caption, left = 0, margin }, { pick, control }) {
  const align = (column) => (column < left ? "text-align: left;" : "");
  const cells = rows.map((row, i) => h("tr", {},
    margin ? marginCell(margin.rows[i], margin.lanes) : null,
    row.map((cell, column) => cellOf(cell, { pick, control, align: align(column) }))));
  return h("table", {},
    caption ? h("caption", {}, caption) : null,
    h("tr", {},
      margin ? h("th", { scope: "col", style: align(-1) }, margin.head) : null,
      head.map((text, i) => h("th", { scope: "col", style: align(i) }, text))),
    cells);
}

/** Scroll a place just so far that a row of its table is seen, below the head. */
export function scrollTo(place, number) {
  const [head, ...rows] = place.querySelectorAll("tr");
  const row = rows[number];
  if (!row) return;
  const top = row.offsetTop - head.offsetHeight;
  const bottom = row.offsetTop + row.offsetHeight - place.clientHeight;
  place.scrollTop = Math.max(Math.min(place.scrollTop, top), bottom);
}

/** The names of the controls that stand in the table. */
export function controlsIn(content) {
  return (content?.rows ?? []).flat().map((cell) => cell.control).filter(Boolean);
}

function cellOf(content, { pick, control, align }) {
  const cell = typeof content === "string" ? { text: content } : content;
  const style = align + (cell.colour ? `background: ${cell.colour};` : "")
    + (cell.dark ? "color: #fff;" : "");
  if (cell.control) return h("td", { style }, control(cell.control));
  const text = cell.text ?? "";
  const words = cell.strong ? h("b", {}, text) : text;
  if (!cell.why && !cell.set) return h("td", { style }, words);
  return h("td", { style }, h("button", { class: "panel-cell", onclick: () => pick(cell) }, words));
}
