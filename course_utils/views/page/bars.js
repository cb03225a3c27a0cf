// The probabilities of all classes as bars, with those of an earlier moment as outlines.
import { h } from "./frame.js";

const HIGH = 84;
const TOP = 20;
const WIDE = 26;

/** { node, draw(probabilities, before), mark(k) }; a click on a bar is told to pick(k). */
export function probabilityBars(classes, pick) {
  const short = classes.every((name) => String(name).length <= 2);
  const columns = classes.map((name, k) => column(name, k, short ? name : k));
  const width = WIDE * classes.length;
  const node = h(
    "svg",
    {
      class: "bars", viewBox: `0 0 ${width} ${TOP + HIGH + 22}`, tabindex: 0, role: "img",
      style: `--width: ${width}`, "aria-label": "probability of each class",
    },
    h("line", { x1: 0, x2: width, y1: TOP + HIGH, y2: TOP + HIGH, stroke: "currentColor" }),
    columns.map(({ group }) => group),
  );

  function column(name, k, label) {
    const middle = WIDE * (k + 0.5);
    const text = (y) => h("text", { x: middle, y, "text-anchor": "middle", "font-size": 16 });
    const parts = {
      frame: h("rect", { x: WIDE * k + 1, y: 1, width: WIDE - 2, height: TOP + HIGH + 20,
        fill: "transparent", "stroke-width": 3 }),
      bar: h("rect", { x: WIDE * k + 4, width: WIDE - 8, fill: "#0072b2" }),
      ghost: h("rect", { x: WIDE * k + 4, width: WIDE - 8, fill: "none", stroke: "currentColor",
        "stroke-width": 1.5, "stroke-dasharray": "4 3" }),
      number: text(0),
      title: h("title", {}, String(name)),
    };
    const foot = text(TOP + HIGH + 17);
    foot.textContent = label;
    const group = h("g", { onclick: () => pick(k) }, Object.values(parts), foot);
    return { ...parts, foot, group };
  }

  function draw(probabilities, before) {
    const most = probabilities ? Math.max(...probabilities) : NaN;
    columns.forEach(({ bar, ghost, number, foot, title }, k) => {
      const p = probabilities?.[k] ?? 0;
      stand(bar, p);
      stand(ghost, before?.[k] ?? 0);
      ghost.setAttribute("visibility", before?.[k] > 0.005 ? "visible" : "hidden");
      number.setAttribute("y", TOP + HIGH * (1 - p) - 3);
      number.textContent = p >= 0.195 ? percent(p) : "";
      foot.setAttribute("font-weight", p === most ? "700" : "400");
      title.textContent = probabilities ? `${classes[k]}: ${p.toFixed(4)}` : String(classes[k]);
    });
  }

  function stand(rect, p) {
    rect.setAttribute("y", TOP + HIGH * (1 - p));
    rect.setAttribute("height", HIGH * p);
  }

  function mark(chosen) {
    columns.forEach(({ frame }, k) => {
      frame.setAttribute("stroke", k === chosen ? "#d55e00" : "none");
    });
  }

  return { node, draw, mark };
}

/** Two digits after the point, and no zero before it: there is no room for more. */
function percent(p) {
  return p > 0.995 ? "1.0" : p.toFixed(2).slice(1);
}
