// The maps of all layers side by side, each with its name; the value under the pointer beside it.
import { h, show } from "../frame.js";
import { mosaic, unitAt } from "../maps.js";
import { shortName } from "../words.js";
import { arrange } from "./columns.js";

export class Layers {
  shown = null; // the numbers in the maps, for the pointer: shown[at]

  /** choose(at, unit): a unit was clicked. tip: see tip.js. */
  constructor({ network, scales, choose, tip }) {
    this.layers = network.layers.slice(0, -1); // the last one, softmax, has bars
    Object.assign(this, { choose, tip });
    const { plans } = arrange(this.layers, { room: 900, lengths: [346] });
    this.mosaics = plans.map((plan, i) => mosaic(plan, scales[i + 1]));
    this.panels = this.layers.map((layer, i) => this.panel(layer, i + 1));
    this.node = h("div", {
      class: "xray-maps", tabindex: 0, role: "application",
      "aria-label": "maps of all layers: the arrow keys go from unit to unit",
    }, this.panels);
  }

  panel(layer, at) {
    const { canvas, node } = this.mosaics[at - 1];
    canvas.addEventListener("pointermove", (event) => {
      const unit = unitUnder(this.mosaics[at - 1], event);
      const value = unit === null ? undefined : this.shown?.[at].data[unit];
      if (value === undefined) return this.tip.hide();
      const words = this.shown[at].words?.(unit) ?? `= ${show(value)}`;
      this.tip.show(`${layer.name}, ${shortName(layer.shape, unit)} ${words}`, event);
    });
    canvas.addEventListener("pointerleave", () => this.tip.hide());
    canvas.addEventListener("click", (event) => {
      const unit = unitUnder(this.mosaics[at - 1], event);
      this.tip.hide(); // what it says stands in the sum now
      if (unit !== null) this.choose(at, unit);
    });
    const kernel = layer.kind === "conv2d" ? " with-kernel" : "";
    const title = heading(layer.name, layer.shape.join("\u00d7"));
    return h("div", { class: `xray-panel${kernel}` }, title, node);
  }

  /** Arrange the maps for so much room: see arrange() of columns.js, whose answer it returns. */
  fit(options) {
    const arranged = arrange(this.layers, options);
    arranged.plans.forEach((plan, i) => this.mosaics[i].arrange(plan));
    return arranged;
  }

  /** Over each layer its shape, or what its colours mean, where that is not what it was before. */
  label(maps) {
    const texts = this.layers.map(({ shape }, i) => maps[i + 1].label ?? shape.join("\u00d7"));
    this.panels.forEach((panel, i) => {
      const text = texts[i] === texts[i - 1] ? "\u00a0" : texts[i];
      panel.querySelector(".xray-name span").textContent = text;
    });
  }
}

/** The unit of a mosaic under the pointer; null beside its maps. */
export function unitUnder({ canvas, plan }, { clientX, clientY }) {
  const { left, top, width, height } = canvas.getBoundingClientRect();
  const [x, y] = [(clientX - left) / width, (clientY - top) / height];
  return unitAt(plan, x * plan.width, y * plan.height);
}

/** What stands over a layer: its name, and under it what it is. */
export function heading(name, what) {
  return h("p", { class: "xray-name" }, h("b", {}, name), " ", h("span", {}, what));
}
