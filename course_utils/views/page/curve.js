// Two curves over the steps of a training, one above the other: the loss, and how many digits
// are read rightly. A line through both marks one step.
import { h, show } from "./frame.js";

const CHART = { width: 440, height: 318, left: 44, right: 428 };
const LOSS = { top: 30, bottom: 176 };
const RIGHT = { top: 216, bottom: 276 };

/**
 * { node, draw(curve, all), mark(i) }. curve: a list of [step, loss or null, right], all: how many
 * digits there are. mark(i) puts the line at the i-th of them, or nowhere if i is null. A click is
 * told to pick(i), with the nearest one.
 */
export function trainingCurve(pick) {
  const grid = h("g", { stroke: "#ccc" });
  const words = h("g", { "font-size": 16 });
  const lines = {
    loss: h("path", { fill: "none", stroke: "#0072b2", "stroke-width": 2.5 }),
    right: h("path", { fill: "none", stroke: "#d55e00", "stroke-width": 2.5 }),
  };
  const marker = h("path", { stroke: "#111", "stroke-width": 2, "stroke-dasharray": "5 3" });
  const dots = ["#0072b2", "#d55e00"].map((fill) =>
    h("circle", { r: 6, fill, stroke: "#fff", "stroke-width": 2 }));
  const { width, height } = CHART;
  const node = h("svg", {
    class: "curve", viewBox: `0 0 ${width} ${height}`, role: "img", onclick: clicked,
    style: `--width: ${width}`, "aria-label": "loss, and digits read rightly, over the steps",
  }, grid, words, lines.loss, lines.right, marker, dots);
  let points = [];

  function draw(curve, all) {
    const last = Math.max(1, curve.at(-1)[0]);
    const highest = Math.max(1, ...curve.map(([, loss]) => loss ?? 0));
    const unit = roundUnit(highest);
    const top = unit * Math.ceil(highest / unit);
    const across = (step) => CHART.left + (CHART.right - CHART.left) * (step / last);
    const up = ({ top: to, bottom }, share) => bottom - (bottom - to) * share;
    points = curve.map(([step, loss, right]) => ({
      x: across(step),
      loss: loss === null ? null : up(LOSS, loss / top),
      right: up(RIGHT, right / all),
    }));
    lines.loss.setAttribute("d", path(points.filter((p) => p.loss !== null), "loss"));
    lines.right.setAttribute("d", path(points, "right"));
    grid.replaceChildren();
    words.replaceChildren(
      text(0, 16, `loss on the ${all} test digits (nats)`, "start"),
      text(0, RIGHT.top - 12, `read rightly, of ${all}`, "start"),
      text((CHART.left + CHART.right) / 2, height - 20, "step", "middle"),
    );
    for (let loss = 0; loss <= top + unit / 2; loss += unit) level(LOSS, loss / top, show(loss));
    for (const share of [0, 0.5, 1]) level(RIGHT, share, show(Math.round(share * all)));
    words.append(text(CHART.left, height - 20, "0", "middle"));
    words.append(text(CHART.right, height - 20, curve.length > 1 ? show(last) : "", "end"));
    mark(null);

    function level(panel, share, label) {
      const y = up(panel, share);
      grid.append(h("line", { x1: CHART.left, x2: CHART.right, y1: y, y2: y }));
      words.append(text(CHART.left - 6, y + 5, label, "end"));
    }
  }

  function mark(i) {
    const visibility = i === null ? "hidden" : "visible";
    for (const part of [marker, ...dots]) part.setAttribute("visibility", visibility);
    if (i === null) return;
    const { x, loss, right } = points[i];
    const stroke = ({ top, bottom }) => `M${x} ${top - 6}V${bottom}`;
    marker.setAttribute("d", stroke(LOSS) + stroke(RIGHT));
    dots[0].setAttribute("visibility", loss === null ? "hidden" : "visible");
    [loss ?? 0, right].forEach((y, k) => {
      dots[k].setAttribute("cx", x);
      dots[k].setAttribute("cy", y);
    });
  }

  function clicked({ clientX }) {
    const { left, width: wide } = node.getBoundingClientRect();
    const x = ((clientX - left) / wide) * width;
    const distance = (i) => Math.abs(points[i].x - x);
    pick(points.reduce((best, _, i) => (distance(i) < distance(best) ? i : best), 0));
  }

  return { node, draw, mark };
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
