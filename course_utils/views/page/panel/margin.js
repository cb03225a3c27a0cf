// The margin of a table: lines that lead from row to row, with a dot for each.
import { h } from "../frame.js";

/**
 * The cell of the margin beside one row: { lines, dot, label }, or undefined for a row without one.
 *
 * lines: [{ points, colour, strong }], of two points (a straight line) or four (a straight line
 * from the first to the second, a curve from there to the last, by the third), x in lanes and y
 * from 0 to 1. dot: { lane, colour, fails }, or null. label: what is read aloud of them.
 */
export function marginCell(row, lanes) {
  const style = `width: ${lanes + 0.2}em; min-width: ${lanes + 0.2}em`;
  if (!row) return h("td", { class: "panel-margin", style });
  const strongLast = [...row.lines].sort((one, other) => one.strong - other.strong);
  const ariaAttributes = row.label
    ? { role: "img", "aria-label": row.label } : { "aria-hidden": "true" };
  const drawing = h("svg", {
    viewBox: `-0.6 0 ${lanes + 0.2} 1`, preserveAspectRatio: "none", ...ariaAttributes,
  }, row.lines.length || row.dot ? strongLast.map(lineOf) : null, row.dot ? dotOf(row.dot) : null);
  return h("td", { class: "panel-margin", style }, drawing);
}

function lineOf({ points, colour, strong }) {
  const [from, to, corner, end] = points.map((point) => point.join(" "));
  const curve = corner ? `Q ${corner} ${end}` : "";
  const width = strong ? 5 : 2.5;
  return h("path", { d: `M ${from} L ${to} ${curve}`, stroke: colour, "stroke-width": width });
}

/** A dot is a line of no length with round ends, as a circle would be stretched with its row. */
function dotOf({ lane, colour, fails }) {
  const point = (stroke, width) => h("path", {
    d: `M ${lane} 0.5 h 0`, stroke, "stroke-width": width, "stroke-linecap": "round",
  });
  return [point(colour, 12), fails ? point("#fff", 7) : null];
}
