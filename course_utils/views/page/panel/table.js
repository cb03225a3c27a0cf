// The table of a panel: numbers, numbers that can be asked about, and controls.
import { h } from "../frame.js";

/**
 * The rows of a table that Python has sent: { head, rows, caption, left }, where left says how many
 * columns are of words, which begin at the left. A cell is a text, or { text, why, set, colour,
 * dark, strong }, where why or set make it a button; or { control }, a name.
 *
 * pick(cell): such a button was pressed. control(name): the node of a control.
 */
export function tableOf({ head, rows, caption, left = 0 }, { pick, control }) {
  const align = (column) => (column < left ? "text-align: left;" : "");
  const cells = rows.map((row) => h("tr", {}, row.map(
    (cell, column) => cellOf(cell, { pick, control, align: align(column) }),
  )));
  return h("table", {},
    caption ? h("caption", {}, caption) : null,
    h("tr", {}, head.map((text, i) => h("th", { scope: "col", style: align(i) }, text))),
    cells);
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
