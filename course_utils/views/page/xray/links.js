// The way through the network as lines over its maps: see path.js for its steps. What a unit sees
// of the map before it is a band; the unit there that adds most to it, the end of a thread.
import { h } from "../frame.js";
import { SCALES, largest } from "../maps.js";

/** A kernel stands in front of its layer, where nothing else does. */
const KERNEL = { side: 30, before: 17 };

export class Links {
  node = h("svg", { class: "xray-links", "aria-hidden": "true" });
  steps = null; // what is drawn

  /**
   * boxOf(at, tile, part): where that part of values[at] is in the window, { left, top, right,
   * bottom }; frameOf(at): all that belongs to a layer.
   */
  constructor({ boxOf, frameOf }) {
    Object.assign(this, { boxOf, frameOf });
  }

  clear() {
    this.steps = null;
    this.node.replaceChildren();
  }

  /** A way from another layer than before runs along itself once, where motion is allowed. */
  draw(steps) {
    const { left, top, width } = this.node.getBoundingClientRect();
    if (!width) return this.clear(); // as on a slide that is not shown: nothing has its place yet
    const box = ({ at, tile }, part) => moved(this.boxOf(at, tile, part), -left, -top);
    const frames = steps.map(({ at }) => moved(this.frameOf(at), -left, -top));
    if (steps !== this.steps) {
      this.node.classList.toggle("running", steps[0].at !== this.steps?.[0].at);
      this.steps = steps;
    }
    const [bands, threads, patches] = [[], [], []];
    steps.slice(0, -1).forEach((step, i) => {
      const before = steps[i + 1];
      if (frames[i + 1].top > frames[i].bottom) return; // on a phone the bars stand above all maps
      const down = frames[i + 1].right > frames[i].left;
      const [from, to] = [box(before, before.part), box(step, step.part)];
      if (!["linear", "softmax"].includes(step.kind)) bands.push(band(from, to, down));
      const delay = (steps.length - 2 - i) * 40;
      for (const end of (step.threads ?? [before]).toReversed()) {
        threads.push(thread(box(end, end.spot), box(step, step.spot), { ...end, delay, down }));
      }
      if (step.kernel) patches.push(patch(step.kernel, from, to, { ...frames[i], down }));
    });
    const dots = steps.map((step) => dot(box(step, step.spot)));
    this.node.replaceChildren(...bands, ...threads.flat(), ...dots, ...patches);
  }
}

function moved({ left, top, right, bottom }, x, y) {
  return { left: left + x, top: top + y, right: right + x, bottom: bottom + y };
}

function middle({ left, right, top, bottom }) {
  return [(left + right) / 2, (top + bottom) / 2];
}

/** From the edge of one box to the edge of another, as wide as they are; down: not to the right. */
function band(from, to, down) {
  const corners = down
    ? [[from.left, from.bottom], [to.left, to.top], [to.right, to.top], [from.right, from.bottom]]
    : [[from.right, from.top], [to.left, to.top], [to.left, to.bottom], [from.right, from.bottom]];
  const [a, b, c, d] = corners.map(([x, y]) => `${x} ${y}`);
  return h("g", {}, h("path", { class: "link-band", d: `M${a}L${b}L${c}L${d}Z` }),
    h("path", { class: "link-edge", d: `M${a}L${b}M${c}L${d}` }));
}

/** A line from one unit to another, on a dark one, so that it can be seen on every colour. */
function thread(from, to, { product, delay, down }) {
  const [[x0, y0], [x1, y1]] = [middle(from), middle(to)];
  const [x, y] = down ? [0, (y1 - y0) / 2] : [(x1 - x0) / 2, 0];
  const d = `M${x0} ${y0}C${x0 + x} ${y0 + y} ${x1 - x} ${y1 - y} ${x1} ${y1}`;
  const sign = product === undefined ? "" : product < 0 ? " minus" : " plus";
  const style = `animation-delay: ${delay}ms`;
  return ["link-shade", `link-thread${sign}`].map((name) => (
    h("path", { class: name, d, pathLength: 1, style })));
}

function dot(box) {
  const [cx, cy] = middle(box);
  return h("circle", { class: "link-dot", cx, cy, r: 3.5 });
}

/** A kernel on the way from one box to another, in front of its layer. */
function patch({ size: [rows, columns], weights }, from, to, front) {
  const [[x0, y0], [x1, y1]] = [middle(from), middle(to)];
  const share = front.down
    ? (front.top - KERNEL.before - y0) / (y1 - y0)
    : (front.left - KERNEL.before - x0) / (x1 - x0);
  const cell = KERNEL.side / Math.max(rows, columns);
  const [left, top] = [x0 + share * (x1 - x0) - columns * cell / 2,
    y0 + share * (y1 - y0) - rows * cell / 2];
  const most = largest(weights);
  const cells = weights.map((weight, i) => h("rect", {
    x: left + (i % columns) * cell, y: top + Math.floor(i / columns) * cell,
    width: cell, height: cell, fill: SCALES.signed(weight, most),
  }));
  return h("g", { class: "link-kernel" }, cells, h("rect", {
    x: left, y: top, width: columns * cell, height: rows * cell, class: "link-frame",
  }));
}
