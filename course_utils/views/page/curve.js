// Two curves over the steps of a training, one above the other: the loss, and how many digits
// are read rightly. A line through both marks one step.
import { h, show } from "./frame.js";

const CHART = { width: 440, height: 318, left: 44, right: 428 };
const LOSS = { top: 30, bottom: 176 };
const RIGHT = { top: 216, bottom: 276 };

export class TrainingCurve {
  points = []; // where each step stands

  /** A click is told to pick(i), with the nearest step. */
  constructor(pick) {
    this.pick = pick;
    const { width, height } = CHART;
    this.grid = h("g", { stroke: "#ccc" });
    this.words = h("g", { "font-size": 16 });
    const line = (stroke) => h("path", { fill: "none", stroke, "stroke-width": 2.5 });
    this.lines = { loss: line("#0072b2"), right: line("#d55e00") };
    this.marker = h("path", { stroke: "#111", "stroke-width": 2, "stroke-dasharray": "5 3" });
    this.dots = ["#0072b2", "#d55e00"].map((fill) =>
      h("circle", { r: 6, fill, stroke: "#fff", "stroke-width": 2 }));
    this.node = h("svg", {
      class: "curve", viewBox: `0 0 ${width} ${height}`, role: "img",
      onclick: (event) => this.pick(this.nearest(event)),
      style: `--width: ${width}`, "aria-label": "loss, and digits read rightly, over the steps",
    }, this.grid, this.words, this.lines.loss, this.lines.right, this.marker, this.dots);
  }

  /** curve: a list of [step, loss or null, right]; all: how many digits there are. */
  draw(curve, all) {
    const last = Math.max(1, curve.at(-1)[0]);
    const highest = Math.max(1, ...curve.map(([, loss]) => loss ?? 0));
    const unit = roundUnit(highest);
    const top = unit * Math.ceil(highest / unit);
    this.points = curve.map(([step, loss, right]) => ({
      x: CHART.left + (CHART.right - CHART.left) * (step / last),
      loss: loss === null ? null : up(LOSS, loss / top),
      right: up(RIGHT, right / all),
    }));
    this.lines.loss.setAttribute("d", path(this.points.filter((p) => p.loss !== null), "loss"));
    this.lines.right.setAttribute("d", path(this.points, "right"));
    this.drawAxes({ all, unit, top, end: curve.length > 1 ? show(last) : "" });
    this.mark(null);
  }

  drawAxes({ all, unit, top, end }) {
    const foot = CHART.height - 20;
    this.grid.replaceChildren();
    this.words.replaceChildren(
      text(0, 16, `loss on the ${all} test digits (nats)`, "start"),
      text(0, RIGHT.top - 12, `read rightly, of ${all}`, "start"),
      text((CHART.left + CHART.right) / 2, foot, "step", "middle"),
    );
    for (let loss = 0; loss <= top + unit / 2; loss += unit) {
      this.level(up(LOSS, loss / top), show(loss));
    }
    for (const share of [0, 0.5, 1]) this.level(up(RIGHT, share), show(Math.round(share * all)));
    this.words.append(text(CHART.left, foot, "0", "middle"));
    this.words.append(text(CHART.right, foot, end, "end"));
  }

  level(y, label) {
    this.grid.append(h("line", { x1: CHART.left, x2: CHART.right, y1: y, y2: y }));
    this.words.append(text(CHART.left - 6, y + 5, label, "end"));
  }

  /** The line at the i-th step, or nowhere if i is null. */
  mark(i) {
    const visibility = i === null ? "hidden" : "visible";
    for (const part of [this.marker, ...this.dots]) part.setAttribute("visibility", visibility);
    if (i === null) return;
    const { x, loss, right } = this.points[i];
    const stroke = ({ top, bottom }) => `M${x} ${top - 6}V${bottom}`;
    this.marker.setAttribute("d", stroke(LOSS) + stroke(RIGHT));
    this.dots[0].setAttribute("visibility", loss === null ? "hidden" : "visible");
    [loss ?? 0, right].forEach((y, k) => {
      this.dots[k].setAttribute("cx", x);
      this.dots[k].setAttribute("cy", y);
    });
  }

  nearest({ clientX }) {
    const { left, width } = this.node.getBoundingClientRect();
    const x = ((clientX - left) / width) * CHART.width;
    const distance = (i) => Math.abs(this.points[i].x - x);
    return this.points.reduce((best, _, i) => (distance(i) < distance(best) ? i : best), 0);
  }
}

/** How far down a share of a chart's height stands. */
function up({ top, bottom }, share) {
  return bottom - (bottom - top) * share;
}

function path(points, name) {
  const to = (point) => `${point.x.toFixed(1)} ${point[name].toFixed(1)}`;
  return points.map((point, i) => (i ? "L" : "M") + to(point)).join("");
}

function text(x, y, content, anchor) {
  return h("text", { x, y, "text-anchor": anchor }, content);
}

/** A round number so that two to five of them reach the highest value. */
function roundUnit(highest) {
  const ten = 10 ** Math.floor(Math.log10(highest));
  return [0.2, 0.5, 1, 2].map((part) => part * ten).find((unit) => highest / unit <= 5);
}
