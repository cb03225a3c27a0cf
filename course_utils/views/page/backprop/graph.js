// The network as a graph: a box for each number, its value above and the derivative of the loss
// with respect to it below, and an edge for each use.
import { h } from "../frame.js";
import { compact } from "./numbers.js";
import { directionOf, isDerivative, nodeOf, written } from "./steps.js";

const SIZE = { width: 894, height: 372 };
const MIDDLE = 122; // of the boxes from z2 on
const BOX = { width: 76, height: 50 }; // value above derivative
const PILL = { width: 132, height: 24 }; // value beside derivative
const X = { x: 4, W1: 156, z1: 302, a1: 398, W2: 492, z2: 622, y_hat: 718, L: 814 };

export class Graph {
  cells = new Map(); // by quantity and node: the box of one number
  places = new Map(); // by node: where its box stands
  edges = []; // { ends: two nodes, path }

  /** A click on a number is told to pick(quantity, node). */
  constructor(net, pick) {
    this.pick = pick;
    this.hidden = net.b1[0].length;
    this.lines = h("g", {});
    this.boxes = h("g", {});
    this.marks = h("g", {}); // frames above the boxes
    this.beside = h("g", {});
    this.build();
    this.node = h("svg", {
      class: "bp-graph", viewBox: `0 0 ${SIZE.width} ${SIZE.height}`, role: "img",
      "aria-label": "the network: each value, and below it the derivative of the loss",
    }, this.headings(), this.lines, this.boxes, this.marks, this.beside);
  }

  // --- the parts -----------------------------------------------------------------------------

  /** The middle of the row of a hidden unit. */
  row(j) {
    const pitch = 344 / this.hidden;
    return 28 + pitch * (j + 0.5);
  }

  build() {
    for (const i of [0, 1]) this.box("X", i, i, X.x, 28 + 344 * (0.25 + 0.5 * i));
    this.box("z2", 0, 0, X.z2, MIDDLE);
    this.box("y_hat", 0, 0, X.y_hat, MIDDLE);
    this.box("L", 0, 0, X.L, MIDDLE);
    this.box("b2", 0, 0, X.z2, MIDDLE + 58, BOX.width, "bp-parameter");
    for (let j = 0; j < this.hidden; j++) this.unit(j);
    this.target();
    this.upright("b2 0 0", "z2 0");
    this.join("z2 0", "y_hat 0");
    this.join("y_hat 0", "L 0 0");
    this.upright("y 0", "L 0 0");
    this.legend();
  }

  /** A hidden unit: the weights of its two inputs, its bias, its sum, its value, its way on. */
  unit(j) {
    const y = this.row(j);
    this.box("z1", 0, j, X.z1, y);
    this.box("a1", 0, j, X.a1, y);
    for (const i of [0, 1]) {
      this.pill("W1", i, j, X.W1, y + 27 * (i - 1));
      this.join(`X ${i}`, `W1 ${i} ${j}`, true);
      this.join(`W1 ${i} ${j}`, `z1 ${j}`);
    }
    this.pill("b1", 0, j, X.W1, y + 27);
    this.join(`b1 0 ${j}`, `z1 ${j}`);
    this.join(`z1 ${j}`, `a1 ${j}`);
    this.box("W2", j, 0, X.W2, y, BOX.width, "bp-parameter");
    this.join(`a1 ${j}`, `W2 ${j} 0`);
    this.join(`W2 ${j} 0`, "z2 0", true);
  }

  /** Two cells, the value above the derivative. */
  box(name, i, j, x, y, width = BOX.width, kind = "bp-node") {
    const node = nodeOf({ name, i, j });
    const half = BOX.height / 2;
    this.place(node, x, y, width, BOX.height);
    this.cell(name, node, { x, y: y - half, width, height: half });
    this.cell(`d${name}`, node, { x, y, width, height: half });
    this.outline(kind, x, y - half, width, BOX.height);
  }

  /** Two cells, the value left of the derivative. */
  pill(name, i, j, x, y) {
    const node = nodeOf({ name, i, j });
    const { height } = PILL;
    const left = PILL.width / 2 - 4;
    this.place(node, x, y, PILL.width, height);
    this.cell(name, node, { x, y: y - height / 2, width: left, height });
    const right = { x: x + left, width: PILL.width - left };
    this.cell(`d${name}`, node, { ...right, y: y - height / 2, height });
    this.outline("bp-parameter", x, y - height / 2, PILL.width, height);
  }

  /** The target of the example that is shown: it has a value only. */
  target() {
    const [x, y, width, height] = [X.L + 14, 48, 48, 25];
    this.place("y 0", x, y, width, height);
    this.cell("y", "y 0", { x, y: y - height / 2, width, height });
    this.outline("bp-node", x, y - height / 2, width, height);
    this.boxes.append(name("y", x - 8, y + 6, "end"));
  }

  place(node, x, y, width, height) {
    this.places.set(node, { x, y, width, height });
  }

  cell(name, node, place) {
    const kind = isDerivative(name) ? "derivative" : "value";
    const text = number(kind, place.x + place.width / 2, place.y + place.height / 2 + 6);
    const rect = h("rect", place);
    const title = h("title", {});
    const onclick = () => this.pick(name, node);
    const group = h("g", { class: `bp-cell ${kind}`, onclick }, rect, text, title);
    this.cells.set(`${name}@${node}`, { group, text, title, place, kind: `bp-cell ${kind}` });
    this.boxes.append(group);
  }

  outline(kind, x, y, width, height) {
    this.boxes.append(h("rect", { x, y, width, height, rx: 5, class: `bp-outline ${kind}` }));
  }

  /** An edge from the right of one node to the left of another. */
  join(from, to, isBent = false) {
    const [a, b] = [this.places.get(from), this.places.get(to)];
    const [x, y, right] = [a.x + a.width, a.y, b.x];
    const end = isBent || Math.abs(b.y - y) < 1 ? b.y : b.y + Math.sign(y - b.y) * 12;
    const middle = (x + right) / 2;
    this.edge([from, to], `M${x} ${y}C${middle} ${y} ${middle} ${end} ${right} ${end}`);
  }

  /** An edge from the nearest of the horizontal sides of one node to that of another. */
  upright(from, to) {
    const [a, b] = [this.places.get(from), this.places.get(to)];
    const down = Math.sign(b.y - a.y);
    const x = a.x + a.width / 2;
    this.edge([from, to], `M${x} ${a.y + (down * a.height) / 2}V${b.y - (down * b.height) / 2}`);
  }

  edge(ends, d) {
    const path = h("path", { d, class: "bp-edge" });
    this.edges.push({ ends, path });
    this.lines.append(path);
  }

  headings() {
    const names = [
      ["X", X.x + 38], ["W1, b1", X.W1 + PILL.width / 2], ["z1", X.z1 + 38], ["a1", X.a1 + 38],
      ["W2", X.W2 + 38],
    ];
    const low = [["z2", X.z2 + 38], ["ŷ", X.y_hat + 38], ["L", X.L + 22]];
    return h("g", {},
      names.map(([text, x]) => name(text, x, 17)),
      low.map(([text, x]) => name(text, x, MIDDLE - 32)),
      name("b2", X.z2 + BOX.width + 8, MIDDLE + 64, "start"));
  }

  /** A box that says what stands where. */
  legend() {
    const [x, y, width] = [X.z2, 4, 184];
    const line = (kind, words, top) => h("g", { class: `bp-cell ${kind} legend` },
      h("rect", { x, y: top, width, height: 25 }),
      number(kind, x + width / 2, top + 18, words));
    this.boxes.append(line("value", "value, forward →", y));
    this.boxes.append(line("derivative", "← derivative of L", y + 25));
    this.outline("bp-node", x, y, width, 50);
  }

  // --- what is shown -------------------------------------------------------------------------

  /**
   * numbers: what is known, each a place with its value. here: the place that is traced, or null,
   * and from: those that it comes from. quantity: of this step. direction: "forward", "backward" or
   * "descent", which flows along no edge.
   */
  draw({ numbers, here, from, quantity, direction }) {
    for (const { group, text, title, kind } of this.cells.values()) {
      group.setAttribute("class", kind);
      text.textContent = title.textContent = "";
    }
    for (const { value, ...place } of numbers) {
      const { group, text, title } = this.cellOf(place);
      text.textContent = compact(value, isDerivative(place.name) ? 4 : 3);
      title.textContent = `${written(place)} = ${value}`;
      group.classList.add("known");
    }
    const mark = (place, kind) =>
      h("rect", { ...this.cellOf(place).place, rx: 4, class: `bp-mark ${kind}` });
    const now = numbers.filter(({ name }) => name === quantity);
    this.marks.replaceChildren(
      ...now.map((place) => mark(place, `now ${directionOf(quantity)}`)),
      ...from.map((place) => mark(place, "source")), ...(here ? [mark(here, "here")] : []),
    );
    const lit = new Set([here, ...from].filter(Boolean).map(nodeOf));
    for (const { ends, path } of this.edges) {
      const isOn = direction !== "descent" && ends.every((node) => lit.has(node));
      path.setAttribute("class", `bp-edge${isOn ? ` on ${direction}` : ""}`);
    }
  }

  cellOf(place) {
    return this.cells.get(`${place.name}@${nodeOf(place)}`);
  }
}

function name(text, x, y, anchor = "middle") {
  return h("text", { x, y, class: "bp-name", "text-anchor": anchor }, text);
}

function number(kind, x, y, text = "") {
  return h("text", { x, y, class: `bp-number ${kind}`, "text-anchor": "middle" }, text);
}
