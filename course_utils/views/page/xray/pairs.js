// The probabilities of ten digits' own classes, before (an outline) and after (a bar) a step.
import { h } from "../frame.js";

const [WIDE, HIGH, FOOT] = [26, 44, 18];

export class PairBars {
  constructor(names) {
    this.columns = names.map((name, k) => column(k, name));
    const title = "probability of each of ten other digits: outline before the steps, bar after";
    this.picture = h("svg", {
      viewBox: `0 0 ${WIDE * names.length} ${HIGH + FOOT + 2}`, role: "img", "aria-label": title,
    }, this.columns.map(({ node }) => node));
    this.node = h("figure", { class: "gradient-others" },
      h("figcaption", {}, "Ten others, before and after:"), this.picture);
  }

  /** before, after: [{ chance, isRight }] for each digit. */
  draw(before, after) {
    this.columns.forEach(({ bar, ghost, title, name, foot }, k) => {
      stand(bar, after[k].chance);
      stand(ghost, before[k].chance);
      // What is not read right any more is told by more than a colour.
      foot.textContent = after[k].isRight ? name : `${name}!`;
      foot.setAttribute("font-weight", after[k].isRight ? 400 : 700);
      bar.setAttribute("fill", after[k].isRight ? "#0072b2" : "#d55e00");
      const [first, then] = [before[k], after[k]].map(({ chance }) => chance.toFixed(4));
      title.textContent = `${name}: ${first}, then ${then}`;
    });
  }
}

function column(k, name) {
  const place = { x: WIDE * k + 4, width: WIDE - 8 };
  const bar = h("rect", place);
  const dashed = { "stroke-width": 1.5, "stroke-dasharray": "4 3" };
  const ghost = h("rect", { ...place, fill: "none", stroke: "currentColor", ...dashed });
  const foot = h("text", {
    x: WIDE * (k + 0.5), y: HIGH + FOOT - 2, "text-anchor": "middle", "font-size": 16,
  }, name);
  const title = h("title");
  return { bar, ghost, foot, title, name, node: h("g", {}, title, bar, ghost, foot) };
}

function stand(rect, chance) {
  rect.setAttribute("y", 1 + HIGH * (1 - chance));
  rect.setAttribute("height", HIGH * chance);
}
