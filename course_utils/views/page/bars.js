// The probabilities of all classes as bars, with those of an earlier moment as outlines.
import { h } from "./frame.js";

const HIGH = 84;
const TOP = 20;
const WIDE = 26;

export class ProbabilityBars {
  /** A click on a bar is told to pick(k). */
  constructor(classes, pick) {
    this.classes = classes;
    const short = classes.every((name) => String(name).length <= 2);
    this.columns = classes.map((name, k) => column(k, name, short ? name : k));
    const groups = this.columns.map(({ parts }, k) => h("g", { onclick: () => pick(k) }, parts));
    const width = WIDE * classes.length;
    this.node = h(
      "svg",
      {
        class: "bars", viewBox: `0 0 ${width} ${TOP + HIGH + 22}`, tabindex: 0, role: "img",
        style: `--width: ${width}`, "aria-label": "probability of each class",
      },
      h("line", { x1: 0, x2: width, y1: TOP + HIGH, y2: TOP + HIGH, stroke: "currentColor" }),
      groups,
    );
  }

  /** before: probabilities to compare with; each may be null. */
  draw(probabilities, before) {
    const most = probabilities ? Math.max(...probabilities) : NaN;
    this.columns.forEach(({ bar, ghost, number, foot, title }, k) => {
      const p = probabilities?.[k] ?? 0;
      stand(bar, p);
      stand(ghost, before?.[k] ?? 0);
      ghost.setAttribute("visibility", before?.[k] > 0.005 ? "visible" : "hidden");
      number.setAttribute("y", TOP + HIGH * (1 - p) - 3);
      number.textContent = p >= 0.195 ? percent(p) : "";
      foot.setAttribute("font-weight", p === most ? "700" : "400");
      const name = this.classes[k];
      title.textContent = probabilities ? `${name}: ${p.toFixed(4)}` : String(name);
    });
  }

  mark(chosen) {
    this.columns.forEach(({ frame }, k) => {
      frame.setAttribute("stroke", k === chosen ? "#d55e00" : "none");
    });
  }
}

/** The parts of the k-th bar by name, and all of them in order as parts. */
function column(k, name, label) {
  const middle = WIDE * (k + 0.5);
  const text = (y) => h("text", { x: middle, y, "text-anchor": "middle", "font-size": 16 });
  const frame = h("rect", {
    x: WIDE * k + 1, y: 1, width: WIDE - 2, height: TOP + HIGH + 20,
    fill: "transparent", "stroke-width": 3,
  });
  const place = { x: WIDE * k + 4, width: WIDE - 8 };
  const bar = h("rect", { ...place, fill: "#0072b2" });
  const dashed = { "stroke-width": 1.5, "stroke-dasharray": "4 3" };
  const ghost = h("rect", { ...place, fill: "none", stroke: "currentColor", ...dashed });
  const [number, foot] = [text(0), text(TOP + HIGH + 17)];
  const title = h("title", {}, String(name));
  foot.textContent = label;
  const parts = [frame, bar, ghost, number, title, foot];
  return { frame, bar, ghost, number, title, foot, parts };
}

function stand(rect, p) {
  rect.setAttribute("y", TOP + HIGH * (1 - p));
  rect.setAttribute("height", HIGH * p);
}

/** Two digits after the point, and no zero before it: there is no room for more. */
function percent(p) {
  return p > 0.995 ? "1.0" : p.toFixed(2).slice(1);
}
