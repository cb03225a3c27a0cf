// The elements of the X-ray, and how a picture (picture.js) is put into them.
import { ProbabilityBars } from "../bars.js";
import { h } from "../frame.js";
import { arranged, mosaic } from "../maps.js";
import { sumRows } from "../sum.js";
import { Layers, heading, unitUnder } from "./layers.js";
import { Links } from "./links.js";
import { Tip } from "./tip.js";
import { Tools } from "./tools.js";

const HINT = "Click a unit of any map, or a bar, to see the sum behind it and the path to it.";
const SCALES = "Blue below 0, white 0, orange above; or dark 0 to yellow. Each layer has its own "
  + "scale.";
const INPUT_WIDE = 128;
/** Narrower than this, in pixels, layers stand below one another; xray.css has the same number. */
const NARROW = 700;
/** Rows of maps there are as wide as the page, and no wider than that. */
const ROW = 480;
/** How long a column of maps is, the best first; and how far it grows with a full screen. */
const LENGTHS = [346, 302, 264, 220];
const GROWTH = 0.8;
/** A page that becomes a little wider, as when a scroll bar goes, stays as it is. */
const SLACK = 24;

export class Page {
  fitted = null; // the width, and whether in full screen, that the maps are arranged for
  shown = null; // the pictures that draw() and drawSum() were given last
  summed = null;

  /**
   * drawing: see drawing.js. choose(at, unit), pickChannel(c) and listNumbers(): what a click does.
   */
  constructor({ network, scales, drawing, choose, pickChannel, listNumbers }) {
    Object.assign(this, { network, drawing, pickChannel, listNumbers });
    this.tip = new Tip();
    this.layers = new Layers({ network, scales, choose, tip: this.tip });
    this.maps = this.layers.node;
    this.input = mosaic(inputPlan(network.input), "grey");
    this.cross = h("div", { class: "cross", "aria-hidden": "true" }, "+");
    this.input.node.append(this.cross);
    this.input.canvas.addEventListener("click", (event) => choose(0, unitUnder(this.input, event)));
    this.mosaics = [this.input, ...this.layers.mosaics];
    this.bars = new ProbabilityBars(network.classes, (k) => choose(network.layers.length, k));
    this.verdict = h("p", { class: "xray-verdict" });
    this.tools = new Tools({ drawing });
    this.links = new Links({
      boxOf: (at, tile, part) => this.mosaics[at]?.box(tile, part) ?? this.bars.box(tile),
      frameOf: (at) => this.frameOf(at).getBoundingClientRect(),
    });
    for (const name of ["modes", "side", "sum"]) this[name] = h("div", { class: `xray-${name}` });
    this.list = h("div", { class: "xray-list", tabindex: 0, "aria-label": "all the products" });
  }

  /** All of it, in order. */
  parts() {
    const { bars, verdict, maps, modes } = this;
    const head = h("div", { class: "xray-head" }, verdict, legend(), modes);
    this.answer = h("div", { class: "xray-bars" }, heading("softmax", "probability"), bars.node);
    this.body = h("div", { class: "xray-network" }, maps, this.answer);
    const over = [this.links.node, this.tip.node];
    return [this.padColumn(), head, this.body, this.sum, this.side, this.list, ...over];
  }

  padColumn() {
    const [, high, wide] = this.network.input;
    this.seen = `What the network sees: ${high}\u00a0\u00d7\u00a0${wide}`;
    this.caption = h("p", { class: "xray-caption" }, this.seen);
    const tools = h("div", { class: "xray-tools" }, this.tools.node, this.input.node);
    const under = h("div", { class: "xray-under" }, this.caption, tools);
    return h("div", { class: "xray-pad" }, this.drawing.pad.node, under);
  }

  /** How the input and the layers are arranged: see maps.js. */
  plans() {
    return this.mosaics.map(({ plan }) => plan);
  }

  /** Whether the keys go to the maps and the bars, and not to the drawing. */
  hasUnitsInFocus() {
    return this.maps.contains(document.activeElement) || this.hasBarsInFocus();
  }

  hasBarsInFocus() {
    return this.bars.node === document.activeElement;
  }

  frameOf(at) {
    if (at === 0) return this.input.node;
    return this.layers.panels[at - 1] ?? this.answer;
  }

  // --- how much room there is ----------------------------------------------------------------

  /** Arrange all for the width that there is, if it has changed. */
  fit() {
    const whole = this.body.parentElement;
    const width = whole.clientWidth;
    const isFull = Boolean(document.fullscreenElement?.contains(whole));
    const more = width - this.fitted?.width;
    const isSame = this.fitted?.isFull === isFull && more >= 0 && more < SLACK;
    if (width && !isSame) {
      this.fitted = { width, isFull };
      this.arrange(width, isFull ? GROWTH * (window.innerHeight - 720) : 0);
    }
    this.link();
  }

  /** taller: by how much columns of maps are longer than usual. */
  arrange(width, taller) {
    const down = width < NARROW;
    const letter = parseFloat(window.getComputedStyle(this.answer).fontSize);
    const least = (this.bars.short ? 6.9 : 10) * letter;
    this.answer.style.setProperty("--bars", `${least}px`);
    const room = down ? 860 : this.body.clientWidth - least - 10;
    const row = Math.min(ROW, width - 16);
    const lengths = down ? [row] : LENGTHS.map((length) => Math.max(120, length + taller));
    const { plans, lines } = this.layers.fit({ room, lengths, down });
    const last = plans.at(-1);
    const isBeside = !down && lines === 1 && last.columns === 1;
    this.maps.classList.toggle("lines", lines > 1);
    this.bars.lie({
      width: down ? width : this.answer.clientWidth, letter,
      height: isBeside ? last.height + last.gap : last.count * (letter + 4),
    });
    if (this.shown) this.draw(this.shown);
  }

  // --- what is shown -------------------------------------------------------------------------

  draw(picture) {
    this.shown = picture;
    this.layers.shown = picture.maps;
    this.layers.label(picture.maps);
    const { label } = picture.maps[0];
    this.caption.textContent = label ? `Gradient: ${label}` : this.seen;
    picture.maps.forEach(({ data, low, top, scale, title }, at) => {
      this.mosaics[at].paint(data, low, top, scale);
      if (title) this.mosaics[at].canvas.title = title;
    });
    this.bars.draw(picture.probabilities, picture.before);
    this.verdict.textContent = picture.verdict;
    this.tools.show();
  }

  /** A cross in the input where the ink has its centre of mass, [x, y] as shares; or none. */
  markCentre(centre) {
    this.cross.hidden = centre === null;
    if (!centre) return;
    const [left, top] = centre.map((share) => `${100 * share}%`);
    Object.assign(this.cross.style, { left, top });
  }

  drawSum(picture) {
    this.summed = picture;
    const hadFocus = this.sum.contains(document.activeElement);
    for (const one of this.mosaics) one.unmark();
    this.bars.mark(picture?.bar ?? null);
    this.list.replaceChildren();
    this.sum.replaceChildren(...(picture ? this.sumParts(picture) : [h("p", {}, HINT)]));
    if (picture?.numbers && picture.listing) this.list.append(table(picture.numbers));
    // What had the focus is another element now.
    if (hadFocus) this.maps.focus({ preventScroll: true });
    for (const { at, name, tile, part } of picture?.marks ?? []) {
      this.mosaics[at]?.mark(name, tile, part);
    }
    this.link();
  }

  /** The way through the network, where everything stands now. */
  link() {
    if (this.summed?.steps) this.links.draw(this.summed.steps);
    else this.links.clear();
  }

  sumParts({ name, value, sees, found, channel, scale, names, numbers, listing, rows }) {
    const list = { onclick: this.listNumbers, "aria-expanded": String(listing) };
    return [
      h("p", { class: "sum-title" }, h("b", {}, name)),
      h("p", {}, h("b", {}, value), `; ${sees}`),
      ...(numbers ? [h("button", list, `all ${numbers.length - 1} products (N)`)] : []),
      h("div", { class: "sum-rows" },
        rows ?? sumRows(found, { channel, pick: this.pickChannel, scale, names })),
    ];
  }
}

/** The two colour scales. */
function legend() {
  return h("p", { class: "xray-legend", title: SCALES }, "\u2212",
    h("span", { class: "scale-signed", role: "img", "aria-label": SCALES }), "+",
    h("span", { class: "legend-cividis" }, "\u2003 0",
      h("span", { class: "scale-cividis", role: "presentation" }), "most"));
}

/** The input as a mosaic of one tile. */
function inputPlan([, high, wide]) {
  return arranged(1, high, wide, 1, Math.max(1, Math.floor(INPUT_WIDE / wide)), 0);
}

function table([heading, ...rows]) {
  const cells = (tag, row) => h("tr", {}, row.map((text) => h(tag, {}, String(text))));
  return h("table", {}, cells("th", heading), rows.map((row) => cells("td", row)));
}
