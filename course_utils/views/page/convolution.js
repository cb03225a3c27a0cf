// The convolution stepper: a window slides over an image, and every sum can be looked at.
import { h, predict } from "./frame.js";
import { NumberGrid } from "./grid.js";
import { clamp, makeRows, sides, tidy, typedProblem } from "./numbers.js";
import { Stepper } from "./stepper.js";
import { fieldsOf } from "./convolution/fields.js";
import { picture, sentence } from "./convolution/picture.js";
import { rowQuestion } from "./convolution/question.js";
import { CHANNELS, output, refusal, seenPixels, stateFromTraits } from "./convolution/state.js";

class Convolution extends Stepper {
  at = [0, 0]; // the output whose window is shown
  hoveredOutput = null; // the output under the pointer, shown instead
  hoveredPixel = null; // the pixel under the pointer: which outputs see it?
  askedStride = 1; // the largest stride that was asked for

  constructor({ model, el }) {
    super({
      model, el,
      title: "Convolution, step by step",
      help: "click a number and type, or ↑ ↓ · click an output",
    });
    this.line = h("div", { class: "view-predict" });
    this.fields = fieldsOf({
      change: (patch) => this.change(patch),
      newImage: (pattern) => this.newImage(pattern),
      newKernel: (slice) => this.newKernel(slice),
    });
    const fields = Object.values(this.fields).map(({ node }) => node);
    this.fieldset = this.controls(fields, "hide the output and ask for a row");
    this.panes = Array.from({ length: CHANNELS }, (_, c) => this.channelPane(c));
    this.output = new NumberGrid({
      title: "output",
      wide: 3,
      pick: (i, j) => this.select(i, j),
      over: (i, j) => this.point("hoveredOutput", i, j),
    });
    this.total = h("div", { class: "stepper-total" });
    this.trace = h("div", { class: "stepper-trace" });
    this.view.body.append(
      this.line,
      this.fieldset,
      h("div", { class: "stepper-channels" }, this.panes.map(({ node }) => node)),
      h("div", { class: "stepper-out" }, this.output.node, this.total),
      this.trace,
    );
  }

  // --- the page ------------------------------------------------------------------------------

  channelPane(c) {
    const padding = () => this.state.padding;
    const over = (i, j) => this.point("hoveredPixel", i, j);
    const grids = {
      image: new NumberGrid({ title: "image", edit: this.editing("image", c, padding), over }),
      kernel: new NumberGrid({
        title: "kernel", wide: 2.8, edit: this.editing("kernel", c, () => 0),
      }),
      flipped: new NumberGrid({ title: "laid on, flipped", wide: 2.8 }),
      products: new NumberGrid({ title: "pixel · weight", wide: 4.6, high: 2.8 }),
    };
    const { image, kernel, flipped, products } = grids;
    const sum = h("div", {});
    image.node.classList.add("stepper-image");
    const node = h(
      "div",
      { class: "stepper-channel" },
      image.node,
      h("div", {}, kernel.node, flipped.node),
      h("div", {}, products.node, sum),
    );
    return { node, ...grids, sum };
  }

  /** How the numbers of an image, or a kernel, are changed; shift(): the zeros before them. */
  editing(name, c, shift) {
    const rows = () => this.state[name][c];
    return {
      get: (i, j) => rows()[i - shift()][j - shift()],
      set: (i, j, value) => this.changeNumber(name, [c, i - shift(), j - shift()], value),
      wrong: (text, i, j) =>
        this.view.say(typedProblem(text, `${name}[${i - shift()}, ${j - shift()}]`)),
      allowed: (i, j) => rows()[i - shift()]?.[j - shift()] !== undefined,
    };
  }

  // --- the state -----------------------------------------------------------------------------

  stateFrom(traits) {
    return stateFromTraits(traits);
  }

  refusal(state) {
    return refusal(state);
  }

  traits() {
    const { image, kernel, channels, ...rest } = this.state;
    return { image: image.slice(0, channels), kernel: kernel.slice(0, channels), ...rest };
  }

  changeNumber(name, [c, i, j], value) {
    this.play.stop();
    // A new one, since the old one may be in the model.
    const slices = [...this.state[name]];
    slices[c] = slices[c].map((row) => [...row]);
    slices[c][i][j] = value;
    this.adopt({ ...this.state, [name]: slices });
    this.fields[name === "image" ? "images" : "kernels"].set("as typed");
    this.view.say(`${name}[${c}, ${i}, ${j}] = ${tidy(value)}. ${this.sentence()}`);
  }

  newImage(pattern) {
    if (!pattern) return;
    const [height, width] = sides(this.state.image[0]);
    const first = makeRows(height, width, pattern(height, width));
    this.change({ image: [first, ...this.state.image.slice(1)] });
  }

  newKernel(slice) {
    if (!slice) return;
    const kernel = Array.from({ length: CHANNELS }, () => structuredClone(slice));
    if (!this.change({ kernel })) this.fields.kernels.set("as typed");
  }

  derive() {
    this.out = output(this.state);
    this.seen = seenPixels(this.state, this.out.shape);
    const [, rows, columns] = this.out.shape;
    this.at = [clamp(this.at[0], rows), clamp(this.at[1], columns)];
  }

  // --- the window ----------------------------------------------------------------------------

  home() {
    this.at = [0, 0];
    this.fields.images.set("as typed");
    this.fields.kernels.set("as typed");
  }

  move(down, right) {
    this.hoveredOutput = null;
    this.selectNear(this.at[0] + down, this.at[1] + right);
  }

  select(i, j) {
    this.at = [i, j];
    this.draw();
    this.view.say(this.sentence());
  }

  /** The pointer is on an output, or on a pixel, as the name says; or no longer. */
  point(name, i, j) {
    this[name] = i === undefined ? null : [i, j];
    this.draw();
  }

  // --- predict first -------------------------------------------------------------------------

  isDue() {
    return this.state.stride === 2 && this.askedStride < 2;
  }

  showQuestion() {
    this.question = "row";
    this.askedStride = Math.max(this.askedStride, this.state.stride);
    this.line.replaceChildren(predict(rowQuestion(this), () => this.answered()));
    this.view.say("The output is hidden. Move the window, add up, and say what comes out.");
  }

  answered() {
    this.question = null;
    const { stride } = this.state;
    if (stride === 1 && this.askedStride < 2 && !refusal({ ...this.state, stride: 2 })) {
      const next = { onclick: () => this.change({ stride: 2 }) };
      this.line.firstChild.append(" ", h("button", next, "next: stride 2"));
    }
    this.updateFields();
    this.view.say(`${this.sentence()} Click an output to see its sum.`);
  }

  // --- what is shown -------------------------------------------------------------------------

  /** After a change of the settings: the fields follow, and what was hovered may be gone. */
  updateFields() {
    this.hoveredOutput = null;
    this.hoveredPixel = null;
    for (const name of ["stride", "padding", "bias", "flip"]) {
      this.fields[name].set(this.state[name]);
    }
    this.fields.channels.set(String(this.state.channels));
    const locked = this.question !== null;
    this.fieldset.disabled = locked;
    for (const { image, kernel } of this.panes) {
      image.lock(locked);
      kernel.lock(locked);
    }
    this.draw();
  }

  scene() {
    const { state, out, seen, at, hoveredOutput, hoveredPixel, shown, question } = this;
    return { state, out, seen, at, hoveredOutput, hoveredPixel, shown, hidden: question !== null };
  }

  sentence() {
    return sentence(this.scene());
  }

  draw() {
    const { many, channels, output: out, total, trace } = picture(this.scene());
    this.view.box.classList.toggle("view-many", many);
    this.panes.forEach((pane, c) => drawChannel(pane, channels[c]));
    this.output.draw(out);
    this.total.textContent = total;
    this.trace.replaceChildren(...trace.map((line) => h("div", {}, line)));
  }
}

function drawChannel(pane, channel) {
  pane.node.hidden = channel === null;
  if (channel === null) return;
  for (const name of ["image", "kernel", "products"]) pane[name].draw(channel[name]);
  pane.flipped.node.hidden = channel.flipped === null;
  if (channel.flipped) pane.flipped.draw(channel.flipped);
  pane.sum.textContent = channel.sum;
}

export default { render: (page) => new Convolution(page).begin() };
