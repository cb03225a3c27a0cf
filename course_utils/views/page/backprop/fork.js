// What stands beside the graph: a number for each of the examples, or, where they meet in one, the
// fork that they come from.
import { h, show } from "../frame.js";
import { compact } from "./numbers.js";
import { isDerivative, isOfExamples, numberAt, termValue, termsOf, written } from "./steps.js";

const ROOM = { x: 602, y: 206, width: 290, height: 162 };
const ROOT = { width: 104, height: 54 };
const FIRST_ROW = 44;
const PITCH = 30;

/**
 * { title, rows, total }: rows of { label, value, example }, with example null for what is a row of
 * another kind; total: { name, value }, in which they meet, or null where they only stand together.
 */
export function forkOf(net, place, after) {
  if (after) return { title: "ŷ now, and after the step", rows: answers(net, after), total: null };
  const total = { name: written(place), value: numberAt(net, place) };
  if (place.name === "dX") {
    const rows = termsOf(net, place).map((term, k) => (
      { label: `unit ${k}`, value: compact(termValue(net, term), 4), example: null }));
    return { title: "A fork: the hidden units add up", rows, total };
  }
  if (place.name === "L" || place.name === "dL") {
    const squares = net.y_hat.map(([answer], n) => (answer - net.y[n][0]) ** 2);
    const rows = examples(net, (n) => compact(squares[n], 3));
    return { title: "Squared errors", rows, total: null };
  }
  if (isOfExamples(place.name)) {
    const column = { ...place, i: ":" };
    const value = (n) => compact(net[place.name][n][place.j], 4);
    return { title: `${written(column)}, all examples`, rows: examples(net, value), total: null };
  }
  if (!isDerivative(place.name)) return forward(net, place);
  const terms = termsOf(net, place);
  const rows = examples(net, (n) => compact(termValue(net, terms[n]), 4));
  return { title: "A fork: the examples add up", rows, total };
}

/** A weight or a bias, before anything comes back to it: the same for all. */
function forward(net, place) {
  const value = compact(numberAt(net, place), 3);
  const total = { name: written(place), value: numberAt(net, place) };
  return { title: "A fork: all examples use it", rows: examples(net, () => value), total };
}

function answers(net, after) {
  return examples(net, (n) => `${net.y_hat[n][0].toFixed(3)} → ${after.y_hat[n][0].toFixed(3)}`);
}

function examples(net, value) {
  const label = (x) => x.map((v) => show(v, 3)).join(" ");
  return net.X.map((x, n) => ({ label: label(x), value: value(n), example: n }));
}

/** The fork as SVG. pick(n) is told a click on the row of an example. */
export function drawFork({ title, rows, total }, { chosen, derivative, pick }) {
  const kind = derivative ? "derivative" : "value";
  const panel = h("rect", { ...ROOM, rx: 8, class: "bp-panel" });
  const heading = text(ROOM.x + 10, ROOM.y + 22, title, "bp-heading");
  const left = total ? ROOM.x + 146 : ROOM.x + 10;
  const lines = rows.map((row, n) => {
    const y = ROOM.y + FIRST_ROW + PITCH * n;
    const isOn = row.example !== null && row.example === chosen;
    const own = row.example !== null && { onclick: () => pick(row.example) };
    return h("g", { class: `bp-row${isOn ? " chosen" : ""}`, ...own },
      h("rect", { x: left, y: y - 12, width: ROOM.x + ROOM.width - left - 8, height: 26, rx: 5 }),
      text(left + 6, y + 7, row.label, "bp-label"),
      text(ROOM.x + ROOM.width - 16, y + 7, row.value, `bp-number ${kind}`, "end"));
  });
  return [panel, heading, ...(total ? root(total, rows, left, derivative) : []), ...lines];
}

/** The one number in which the rows meet, and the branches to them. */
function root(total, rows, left, derivative) {
  const kind = derivative ? "derivative" : "value";
  const y = ROOM.y + FIRST_ROW + (PITCH * (rows.length - 1)) / 2 + 1;
  const from = ROOM.x + 8 + ROOT.width;
  const branches = rows.map((_, n) => {
    const to = ROOM.y + FIRST_ROW + PITCH * n + 1;
    const middle = (from + left) / 2;
    const path = `M${from} ${y}C${middle} ${y} ${middle} ${to} ${left} ${to}`;
    return h("path", { d: path, class: `bp-edge on ${derivative ? "backward" : "forward"}` });
  });
  return [
    ...branches,
    h("g", { class: `bp-cell ${kind} known here` },
      h("rect", { x: ROOM.x + 8, y: y - ROOT.height / 2, ...ROOT, rx: 6 })),
    text(from - ROOT.width / 2, y - 6, total.name, "bp-name", "middle"),
    text(from - ROOT.width / 2, y + 18, compact(total.value, 4), `bp-number ${kind}`, "middle"),
  ];
}

function text(x, y, content, kind, anchor = "start") {
  return h("text", { x, y, class: kind, "text-anchor": anchor }, content);
}
