// The probabilities of all classes as bars, with those of an earlier moment as outlines. They stand
// upright side by side, or lie below one another, as high and wide as there is room.
import { h } from "./frame.js";

const LETTER = 16;

/** Upright bars: where the parts of the k-th one are; p is its probability. */
function upright(count) {
  const [high, top, step] = [84, 20, 26];
  return {
    width: step * count, height: top + high + 22, least: 0.195, letter: LETTER,
    frame: (k) => ({ x: step * k + 1, y: 1, width: step - 2, height: top + high + 20 }),
    bar: (k, p) => ({
      x: step * k + 4, y: top + high * (1 - p), width: step - 8, height: high * p,
    }),
    number: (k, p) => ({ x: step * (k + 0.5), y: top + high * (1 - p) - 3, anchor: "middle" }),
    name: (k) => ({ x: step * (k + 0.5), y: top + high + 17, anchor: "middle" }),
    axis: { x1: 0, x2: step * count, y1: top + high, y2: top + high },
    // Two digits after the point, and no zero before it: there is no room for more.
    percent: (p) => (p > 0.995 ? "1.0" : p.toFixed(2).slice(1)),
  };
}

/** Lying bars, one below the other; long names stand above their bars. */
function lying(count, { width, height, letter, short }) {
  const step = height / count;
  const left = short ? letter : 0;
  const right = width - 2.4 * letter - 4;
  const thick = short ? Math.min(0.62 * step, 26) : Math.max(3, step - letter - 6);
  const middle = (k) => step * k + (short ? step / 2 : step - thick / 2 - 2);
  const line = (k) => (short ? step * (k + 0.5) : step * k + letter / 2 + 1) + 0.35 * letter;
  return {
    width, height, letter,
    least: 0.005,
    roomy: true,
    frame: (k) => ({ x: 1, y: step * k + 1, width: width - 2, height: step - 2 }),
    bar: (k, p) => ({
      x: left + 4, y: middle(k) - thick / 2, width: (right - left - 4) * p, height: thick,
    }),
    number: (k) => ({ x: width - 4, y: line(k), anchor: "end" }),
    name: (k) => ({ x: 4, y: line(k), anchor: "start" }),
    axis: { x1: left + 4, x2: left + 4, y1: 0, y2: height },
    percent: (p) => p.toFixed(2),
  };
}

export class ProbabilityBars {
  /** A click on a bar is told to pick(k). */
  constructor(classes, pick) {
    Object.assign(this, { classes, probabilities: null, before: null });
    this.short = classes.every((name) => String(name).length <= 2);
    this.columns = classes.map((name) => parts(name));
    this.groups = this.columns.map((parts, k) => (
      h("g", { onclick: () => pick(k) }, Object.values(parts))
    ));
    this.axis = h("line", { stroke: "currentColor" });
    this.node = h("svg", {
      class: "bars", tabindex: 0, role: "img", "aria-label": "probability of each class",
    }, this.groups, this.axis);
    this.arrange(upright(classes.length));
  }

  /** Let them lie in so many pixels, with letters of that size. */
  lie({ width, height, letter }) {
    const { classes, short } = this;
    this.arrange(lying(classes.length, { width, height, letter, short }));
  }

  arrange(places) {
    this.places = places;
    const { width, height, letter, frame, name, axis, roomy } = places;
    this.node.setAttribute("viewBox", `0 0 ${width} ${height}`);
    this.node.style.setProperty("--width", width);
    set(this.axis, axis);
    this.columns.forEach((parts, k) => {
      set(parts.frame, frame(k));
      stand(parts.name, name(k), letter);
      // A class's number takes the place of a name that has no room.
      parts.name.textContent = this.short || roomy ? this.classes[k] : k;
    });
    this.draw(this.probabilities, this.before);
  }

  /** before: probabilities to compare with; each may be null. */
  draw(probabilities, before) {
    Object.assign(this, { probabilities, before });
    const { bar, number, percent, least, letter } = this.places;
    const most = probabilities ? Math.max(...probabilities) : NaN;
    this.columns.forEach((parts, k) => {
      const p = probabilities?.[k] ?? 0;
      set(parts.track, bar(k, 1));
      set(parts.bar, bar(k, p));
      set(parts.ghost, bar(k, before?.[k] ?? 0));
      parts.ghost.setAttribute("visibility", before?.[k] > 0.005 ? "visible" : "hidden");
      stand(parts.number, number(k, p), letter);
      parts.number.textContent = p >= least ? percent(p) : "";
      parts.name.setAttribute("font-weight", p === most ? "700" : "400");
      const name = this.classes[k];
      parts.title.textContent = probabilities ? `${name}: ${p.toFixed(4)}` : String(name);
    });
  }

  mark(chosen) {
    this.columns.forEach(({ frame }, k) => {
      frame.setAttribute("stroke", k === chosen ? "#d55e00" : "none");
    });
  }

  /** Where the k-th bar begins in the window. */
  box(k) {
    const { left, top, bottom } = this.columns[k].track.getBoundingClientRect();
    return { left, right: left, top, bottom };
  }
}

/** The parts of a bar by name, in order: what comes later covers what was before. */
function parts(name) {
  const dashed = { "stroke-width": 1.5, "stroke-dasharray": "4 3" };
  return {
    frame: h("rect", { fill: "transparent", "stroke-width": 3 }),
    track: h("rect", { class: "bars-track" }),
    bar: h("rect", { class: "bars-bar", fill: "#0072b2" }),
    ghost: h("rect", { fill: "none", stroke: "currentColor", ...dashed }),
    number: h("text"),
    title: h("title", {}, String(name)),
    name: h("text"),
  };
}

function set(node, attributes) {
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
}

function stand(text, { x, y, anchor }, letter) {
  set(text, { x, y, "text-anchor": anchor, "font-size": letter });
}
