// The elements of the X-ray, and how a picture (picture.js) is put into them.
import { ProbabilityBars } from "../bars.js";
import { h, show } from "../frame.js";
import { arranged, layout, mosaic, unitAt } from "../maps.js";
import { sumRows } from "../sum.js";

const LEGEND = "Blue \u2212, white 0, orange +; or dark 0 to yellow.";
const HINT = "Click a unit of any map, or a bar, to see the sum that made it.";
const CENTRED = "as MNIST's digits were: scaled into 20 \u00d7 20 pixels, lines 2 wide, centred";
const INPUT_WIDE = 128;

export class Page {
  /**
   * drawing: see drawing.js. choose(at, unit), pickChannel(c) and listNumbers(): what a click does.
   */
  constructor({ network, scales, drawing, choose, pickChannel, listNumbers }) {
    Object.assign(this, { network, scales, drawing, choose, pickChannel, listNumbers });
    this.values = null; // what is shown, for the pointer
    this.input = mosaic(inputPlan(network.input), "grey");
    this.cross = h("div", { class: "cross", "aria-hidden": "true" }, "+");
    this.input.node.append(this.cross);
    const layers = network.layers.slice(0, -1);
    this.panels = layers.map((layer, i) => this.layerPanel(layer, i + 1));
    this.mosaics = [this.input, ...this.panels];
    this.maps = h("div", {
      class: "xray-maps", tabindex: 0, role: "application",
      "aria-label": "maps of all layers: the arrow keys go from unit to unit",
    }, this.panels.map(({ panel }) => panel), h("p", { class: "xray-legend" }, LEGEND));
    this.bars = new ProbabilityBars(network.classes, (k) => choose(network.layers.length, k));
    this.verdict = h("p", { class: "xray-verdict" });
    this.sum = h("div", { class: "xray-sum" });
    this.list = h("div", { class: "xray-list", tabindex: 0, "aria-label": "all the products" });
  }

  /** All of it, in order. */
  parts() {
    const bars = h("div", { class: "xray-bars" }, this.verdict, this.bars.node);
    const answer = h("div", { class: "xray-answer" }, bars, this.sum);
    return [this.padColumn(), this.maps, answer, this.list];
  }

  padColumn() {
    const { drawing, network } = this;
    const [, high, wide] = network.input;
    const caption = `What the network sees: ${high} \u00d7 ${wide}`;
    const tools = h("div", { class: "xray-tools" }, this.input.node, this.buttons());
    return h("div", { class: "xray-pad" },
      drawing.pad.node, h("p", { class: "xray-caption" }, caption), tools);
  }

  buttons() {
    const { drawing } = this;
    const button = (label, title, onclick) =>
      h("button", { title, "aria-label": title, onclick }, label);
    const arrow = (label, key, words) =>
      button(label, `move the drawing ${words}`, () => drawing.shift(key));
    this.centring = h("input", {
      type: "checkbox",
      onchange: () => {
        if (!drawing.centre(this.centring.checked)) this.showCentring();
      },
    });
    return h("div", { class: "xray-buttons" },
      h("div", {}, button("undo", "undo (U)", () => drawing.undo()),
        button("clear", "clear (Delete)", () => drawing.clear())),
      h("label", {}, "pen ", drawing.pen),
      h("label", { title: CENTRED }, this.centring, " centring"),
      h("div", { class: "xray-arrows" },
        arrow("\u2190", "ArrowLeft", "left"), arrow("\u2191", "ArrowUp", "up"),
        arrow("\u2193", "ArrowDown", "down"), arrow("\u2192", "ArrowRight", "right")));
  }

  /** A layer's mosaic with its name, and with the value of the unit under the pointer. */
  layerPanel(layer, at) {
    const picture = mosaic(layout(layer.shape), this.scales[at]);
    const shape = layer.shape.join("\u00d7");
    const beside = h("span", {}, shape);
    const peek = (over) => {
      const value = over === null ? undefined : this.values?.[at].data[over];
      beside.textContent = value === undefined ? shape : `= ${show(value)}`;
    };
    picture.canvas.addEventListener("pointermove", (event) => peek(unitUnder(picture, event)));
    picture.canvas.addEventListener("pointerleave", () => peek(null));
    picture.canvas.addEventListener("click", (event) => {
      const unit = unitUnder(picture, event);
      if (unit !== null) this.choose(at, unit);
    });
    const title = h("p", {}, h("b", {}, layer.name), " ", beside);
    return { ...picture, panel: h("div", { class: "xray-panel" }, title, picture.node) };
  }

  /** Whether the keys go to the maps and the bars, and not to the drawing. */
  hasUnitsInFocus() {
    return this.maps.contains(document.activeElement) || this.hasBarsInFocus();
  }

  hasBarsInFocus() {
    return this.bars.node === document.activeElement;
  }

  // --- what is shown -------------------------------------------------------------------------

  draw(picture, values) {
    this.values = values;
    picture.maps.forEach(({ data, low, top, title }, at) => {
      this.mosaics[at].paint(data, low, top);
      if (title) this.mosaics[at].canvas.title = title;
    });
    this.bars.draw(picture.probabilities, picture.before);
    this.verdict.textContent = picture.verdict;
    this.showCentring();
  }

  showCentring() {
    this.centring.checked = this.drawing.centring;
  }

  /** A cross in the input where the ink has its centre of mass, [x, y] as shares; or none. */
  markCentre(centre) {
    this.cross.hidden = centre === null;
    if (!centre) return;
    const [left, top] = centre.map((share) => `${100 * share}%`);
    Object.assign(this.cross.style, { left, top });
  }

  drawSum(picture) {
    const held = this.sum.contains(document.activeElement);
    for (const one of this.mosaics) one.unmark();
    this.bars.mark(picture?.bar ?? null);
    this.list.replaceChildren();
    if (!picture) return this.sum.replaceChildren(h("p", {}, HINT));
    this.sum.replaceChildren(...this.sumParts(picture));
    if (picture.numbers && picture.listing) this.list.append(table(picture.numbers));
    // What had the focus is another element now.
    if (held) this.maps.focus({ preventScroll: true });
    for (const { at, name, tile, part } of picture.marks) this.mosaics[at]?.mark(name, tile, part);
  }

  sumParts({ name, value, sees, found, channel, scale, names, numbers, listing }) {
    const list = { onclick: this.listNumbers, "aria-expanded": String(listing) };
    return [
      h("p", { class: "sum-title" }, h("b", {}, name)),
      h("p", {}, h("b", {}, value), `; ${sees}`),
      ...sumRows(found, { channel, pick: this.pickChannel, scale, names }),
      ...(numbers ? [h("button", list, `all ${numbers.length - 1} products (N)`)] : []),
    ];
  }
}

/** The input as a mosaic of one tile. */
function inputPlan([, high, wide]) {
  return arranged(1, high, wide, 1, Math.max(1, Math.floor(INPUT_WIDE / wide)), 0);
}

function unitUnder({ canvas, plan }, { clientX, clientY }) {
  const { left, top, width, height } = canvas.getBoundingClientRect();
  const [x, y] = [(clientX - left) / width, (clientY - top) / height];
  return unitAt(plan, x * plan.width, y * plan.height);
}

function table([heading, ...rows]) {
  const cells = (tag, row) => h("tr", {}, row.map((text) => h(tag, {}, String(text))));
  return h("table", {}, cells("th", heading), rows.map((row) => cells("td", row)));
}
