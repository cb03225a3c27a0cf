// What the steppers with a window share: a state, the fields for it, the window that goes over a
// map, and the question that comes first.
import { frame, h } from "./frame.js";
import { Linked } from "./linked.js";
import { clamp, tidy } from "./numbers.js";
import { player } from "./player.js";

const HELP =
  "Arrows move the window · Space plays · [ ] stride · R resets · F full screen · Esc leaves";
const BEAT = 600; // milliseconds

/**
 * A stepper. Each kind has a state { stride, … } that Python's traits make, and
 *
 * - stateFrom(traits), the state of some traits, and traits(), those of the state;
 * - home(), by which the window goes back to where it begins;
 * - refusal(state), why it cannot be, or "" if it can; and perhaps complete(state), the state with
 *   what has to follow from a change;
 * - derive(), which computes what the state leads to, such as out, the output as a tensor
 *   { shape: [1, rows, columns], data };
 * - move(down, right) and select(i, j), to another window;
 * - showQuestion(), which sets this.question; isDue(), whether a state is new enough to ask;
 * - updateFields(), by which they follow the state, and all is drawn; draw(), all that is shown;
 *   sentence(), what is said.
 */
export class Stepper extends Linked {
  shown = Infinity; // how many outputs are written; fewer while playing

  constructor({ model, el, title, help }) {
    super(model);
    this.state = this.readModel();
    const more = `${HELP} · ${help}`;
    this.view = frame(el, { kind: "stepper", title, help: more, keys: this.keys() });
    this.play = player(() => this.forward(), (on) => this.played(on), BEAT);
    this.playButton = h("button", { title: "Space", onclick: () => this.play.toggle() }, "▶ play");
  }

  /** Begin, once all parts are there. Returns what ends it. */
  begin() {
    const end = this.listen();
    this.ask();
    return end;
  }

  /** The controls of the stepper's own, and those that all have. */
  controls(own, hint) {
    return h(
      "fieldset",
      { class: "stepper-controls" },
      own,
      this.playButton,
      h("button", { title: hint, onclick: () => this.ask() }, "predict"),
      h("button", { title: "R", onclick: () => this.reset() }, "reset"),
    );
  }

  keys() {
    const stride = (by) => this.isFree() && this.change({ stride: this.state.stride + by });
    const reset = () => this.reset();
    return {
      ArrowLeft: () => this.move(0, -1),
      ArrowRight: () => this.move(0, 1),
      ArrowUp: () => this.move(-1, 0),
      ArrowDown: () => this.move(1, 0),
      " ": () => this.isFree() && this.play.toggle(),
      "[": () => stride(-1),
      "]": () => stride(1),
      r: reset,
      R: reset,
    };
  }

  // --- what the learner does -----------------------------------------------------------------

  /** Take over what is new, if it can be. Returns whether it could. */
  change(patch) {
    const next = { ...this.state, ...patch };
    const why = this.refusal(next);
    if (why) {
      this.view.say(`${why} The view stays as it was.`);
      return false;
    }
    this.play.stop();
    this.adopt(this.complete(next));
    if (this.isDue()) this.ask();
    else this.view.say(`${changeWords(patch)} ${this.sizeWords()} ${this.sentence()}`);
    return true;
  }

  complete(state) {
    return state;
  }

  /** Show a state that the page has made, and tell Python of it. */
  adopt(state) {
    this.state = state;
    this.sendTraits();
    this.derive();
    this.updateFields();
  }

  restore(start) {
    this.home();
    this.adopt(this.stateFrom(start));
  }

  /** The window at a place, or at the nearest one that there is. */
  selectNear(i, j) {
    const [, rows, columns] = this.out.shape;
    this.play.stop();
    this.select(clamp(i, rows), clamp(j, columns));
  }

  /** One step of playing: the next output is written. False at the end. */
  forward() {
    const [, rows, columns] = this.out.shape;
    if (this.shown === Infinity) this.shown = 0;
    if (this.shown === rows * columns) return false;
    this.shown += 1;
    this.select(Math.floor((this.shown - 1) / columns), (this.shown - 1) % columns);
    return true;
  }

  played(on) {
    this.playButton.textContent = on ? "❚❚ stop" : "▶ play";
    if (!on) this.shown = Infinity;
    this.draw();
  }

  ask() {
    const inside = this.view.box.contains(document.activeElement);
    this.play.stop();
    this.derive();
    this.showQuestion();
    this.updateFields();
    // The control that asked is locked now.
    if (inside) this.view.box.focus({ preventScroll: true });
  }

  sizeWords() {
    const [, rows, columns] = this.out.shape;
    return `The output is ${rows} × ${columns}.`;
  }

  // --- with the kernel of the notebook, if it lives ------------------------------------------

  readModel() {
    const traits = this.names.map((name) => [name, this.model.get(name)]);
    return this.stateFrom(Object.fromEntries(traits));
  }

  receiveTraits() {
    this.state = this.complete(this.readModel());
    if (this.question) return this.ask();
    this.derive();
    this.updateFields();
  }
}

/** What was changed: "stride 2.", "image changed.", "flip on." */
function changeWords(patch) {
  const [[name, value]] = Object.entries(patch);
  if (typeof value === "boolean") return `${name} ${value ? "on" : "off"}.`;
  if (typeof value === "object") return `${name} changed.`;
  return `${name} ${typeof value === "string" ? value : tidy(value)}.`;
}

/** A field for a number, with its name: { node, set }. change(value) gets NaN for what is none. */
export function field(name, { min, max, step = 1 }, change) {
  const input = h("input", { type: "number", min, max, step, class: "stepper-field" });
  let last = "";
  input.addEventListener("input", () => {
    input.toggleAttribute("aria-invalid", !change(input.value === "" ? NaN : Number(input.value)));
  });
  input.addEventListener("blur", () => set(last));
  function set(value) {
    last = value;
    if (input !== input.getRootNode().activeElement || Number(input.value) !== value) {
      input.value = value;
    }
    input.removeAttribute("aria-invalid");
  }
  return { node: h("label", {}, `${name} `, input), set };
}

/** A list to choose from, with its name: { node, set }. choices: { label: value, … }. */
export function choice(name, choices, change) {
  const options = Object.keys(choices).map((label) => h("option", { value: label }, label));
  const select = h("select", { "aria-label": name }, options);
  select.addEventListener("change", () => change(choices[select.value], select.value));
  return { node: h("label", {}, `${name} `, select), set: (label) => { select.value = label; } };
}
