// The pooling stepper: which value a window keeps, and where its gradient goes back to.
import { h } from "./frame.js";
import { NumberGrid } from "./grid.js";
import { clamp, tidy, typedProblem } from "./numbers.js";
import { Stepper, choice, field } from "./stepper.js";
import { picture } from "./pooling/picture.js";
import { questionElement, questionAbout } from "./pooling/question.js";
import {
  gradientBack, overlaps, pooled, refusal, seenPlaces, winnersOf, withFittingGradient,
} from "./pooling/state.js";
import { sentence } from "./pooling/words.js";

const WRITTEN = { x: "x", gradient: "dy" };

class Pooling extends Stepper {
  chosen = { kind: "output", at: [0, 0] };
  marks = new Set(); // the inputs that the learner says get a gradient
  asked = new Set(); // the kinds of pooling that were asked about, and "overlap"

  constructor({ model, el }) {
    super({
      model, el,
      title: "Pooling, forward and backward",
      help: "click a number and type, or ↑ ↓ · click y or dx to trace it",
    });
    this.line = h("div", { class: "view-predict" });
    const change = (name) => (value) => this.change({ [name]: value });
    this.fields = {
      how: choice("keep the", { max: "max", average: "average" }, change("how")),
      size: field("window", { min: 1, max: 6 }, change("size")),
      stride: field("stride", { min: 1, max: 6 }, change("stride")),
    };
    this.fieldset = this.controls(
      Object.values(this.fields).map(({ node }) => node), "hide what goes back, and ask",
    );
    this.grids = this.numberGrids();
    const { x, y, dy, dx } = this.grids;
    this.trace = h("div", { class: "stepper-trace" });
    const pairs = [pair("forward", x, "→", y), pair("backward", dx, "←", dy)];
    this.view.body.append(this.line, this.fieldset, ...pairs, this.trace);
  }

  // --- the page ------------------------------------------------------------------------------

  numberGrids() {
    const pickInput = (i, j) => this.pickInput(i, j);
    const pickOutput = (i, j) => this.pickOutput(i, j);
    const map = { wide: 2.8, high: 2.6 };
    const gradient = { wide: 3.3, high: 2.6 };
    return {
      x: new NumberGrid({ title: "x", ...map, edit: this.editing("x"), pick: pickInput }),
      y: new NumberGrid({ title: "y", ...map, pick: pickOutput }),
      dy: new NumberGrid({
        title: "dy", ...gradient, edit: this.editing("gradient"), pick: pickOutput,
      }),
      dx: new NumberGrid({ title: "dx", ...gradient, pick: pickInput }),
    };
  }

  editing(name) {
    return {
      get: (i, j) => this.state[name][i][j],
      set: (i, j, value) => this.changeNumber(name, i, j, value),
      wrong: (text, i, j) => this.view.say(typedProblem(text, `${WRITTEN[name]}[${i}, ${j}]`)),
    };
  }

  // --- the state -----------------------------------------------------------------------------

  stateFrom(traits) {
    return structuredClone(traits);
  }

  refusal(state) {
    return refusal(state);
  }

  complete(state) {
    return withFittingGradient(state);
  }

  traits() {
    return this.state;
  }

  adopt(state) {
    this.marks.clear();
    super.adopt(state);
  }

  changeNumber(name, i, j, value) {
    this.play.stop();
    const rows = structuredClone(this.state[name]); // the old one may be in the model
    rows[i][j] = value;
    this.adopt({ ...this.state, [name]: rows });
    this.view.say(`${WRITTEN[name]}[${i}, ${j}] = ${tidy(value)}. ${this.sentence()}`);
  }

  derive() {
    const { state } = this;
    this.out = pooled(state);
    this.back = gradientBack(state);
    this.winners = winnersOf(state);
    this.seen = seenPlaces(state);
    if (this.chosen.kind !== "output") return;
    const [[i, j], [, rows, columns]] = [this.chosen.at, this.out.shape];
    this.chosen = { kind: "output", at: [clamp(i, rows), clamp(j, columns)] };
  }

  // --- what is chosen, and marked --------------------------------------------------------------

  home() {
    this.chosen = { kind: "output", at: [0, 0] };
  }

  /** While the question is about one input, that one stays framed. */
  isFixed() {
    return this.question === "one input";
  }

  pickOutput(i, j) {
    if (!this.isFixed()) this.select(i, j);
  }

  pickInput(i, j) {
    if (this.question === "which") this.mark(i, j);
    else if (!this.isFixed()) this.choose("input", i, j);
  }

  select(i, j) {
    this.choose("output", i, j);
  }

  choose(kind, i, j) {
    this.chosen = { kind, at: [i, j] };
    this.draw();
    this.view.say(this.sentence());
  }

  mark(i, j) {
    const n = i * this.state.x[0].length + j;
    if (!this.marks.delete(n)) this.marks.add(n);
    this.draw();
    const now = this.marks.has(n) ? "marked" : "no longer marked";
    this.view.say(`x[${i}, ${j}] ${now}, ${this.marks.size} in all.`);
  }

  move(down, right) {
    if (this.isFixed()) return;
    const [i, j] = this.chosen.at;
    if (this.chosen.kind === "output") this.selectNear(i + down, j + right);
    else this.selectNear(0, 0); // back from an input
  }

  // --- predict first -------------------------------------------------------------------------

  isDue() {
    const { asked, state } = this;
    return !asked.has(state.how) || (overlaps(state) && !asked.has("overlap"));
  }

  showQuestion() {
    this.marks = new Set();
    this.asked.add(this.state.how);
    if (overlaps(this.state)) this.asked.add("overlap");
    const question = questionAbout(this.state, [...this.back.data]);
    this.question = question.kind;
    if (question.at) this.chosen = { kind: "input", at: question.at };
    this.line.replaceChildren(questionElement(question, () => this.marks, () => this.answered()));
    this.view.say(question.hint);
  }

  answered() {
    this.question = null;
    if (!this.asked.has("average")) {
      const next = { onclick: () => this.change({ how: "average" }) };
      this.line.firstChild.append(" ", h("button", next, "next: average"));
    }
    this.view.box.focus({ preventScroll: true });
    this.updateFields();
    this.view.say(this.sentence());
  }

  // --- what is shown -------------------------------------------------------------------------

  /** After a change of the settings: the fields follow. */
  updateFields() {
    for (const [name, { set }] of Object.entries(this.fields)) set(this.state[name]);
    const locked = this.question !== null;
    this.fieldset.disabled = locked;
    for (const name of ["x", "dy"]) this.grids[name].lock(locked);
    this.draw();
  }

  scene() {
    const { state, out, back, winners, seen, chosen, marks, shown, question } = this;
    const hidden = question !== null;
    return { state, out, back, winners, seen, chosen, marks, shown, hidden };
  }

  sentence() {
    return sentence(this.scene());
  }

  draw() {
    const { trace, ...grids } = picture(this.scene());
    for (const [name, grid] of Object.entries(grids)) this.grids[name].draw(grid);
    this.trace.replaceChildren(...trace.map((text) => h("div", {}, text)));
  }
}

function pair(name, left, arrow, right) {
  return h("div", { class: "pooling-pair", role: "group", "aria-label": name },
    left.node, h("span", { class: "pooling-arrow" }, arrow), right.node);
}

export default { render: (page) => new Pooling(page).begin() };
