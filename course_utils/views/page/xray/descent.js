// One step of gradient descent on what is drawn, and what it does to ten other digits.
import { stepped } from "../backward.js";
import { prepare } from "../digit.js";
import { h, show } from "../frame.js";
import { activations, toInput } from "../network.js";
import { indexOfMax } from "../words.js";
import { PairBars } from "./pairs.js";

const RATES = [0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3];
const START = 4;
/** A network with larger numbers than this is not shown: the next picture might overflow. */
const LARGEST = 1e12;

export class Descent {
  taken = []; // { layers, gradients } before each step
  readings = new WeakMap(); // by the layers of a network, which no step changes: what read() found

  /** gradients(): what backward() found, or null. changed(): the network is another. say(text). */
  constructor({ network, gradients, changed, say }) {
    Object.assign(this, { network, gradients, changed, say });
    this.bars = new PairBars(Object.keys(network.digits));
    this.slider = h("input", {
      type: "range", min: 0, max: RATES.length - 1, step: 1, "aria-label": "learning rate eta",
      oninput: () => this.setRate(Number(this.slider.value)),
    });
    this.value = h("output", {});
    this.stepButton = h("button", { title: "one step (S)", onclick: () => this.step() }, "step");
    this.undoButton = h("button", { title: "step back (Z)", onclick: () => this.undo() }, "back");
    this.place(START);
  }

  controls() {
    const title = "every weight moves by \u2212\u03b7 times its gradient";
    return h("div", { class: "gradient-slider", title },
      h("label", {}, "\u03b7 ", this.slider), this.value, this.stepButton, this.undoButton);
  }

  reset() {
    if (this.taken.length) this.network.layers = this.taken[0].layers;
    this.taken = [];
    this.place(START);
  }

  /** The network before the first step. */
  original() {
    const { network, taken } = this;
    return taken.length ? { ...network, layers: taken[0].layers } : network;
  }

  step() {
    const gradients = this.gradients();
    if (!gradients) return this.say("A step needs gradients: draw, and switch backward on (G).");
    this.taken.push({ layers: this.network.layers, gradients });
    if (!this.move()) this.taken.pop();
  }

  undo() {
    const last = this.taken.pop();
    if (!last) return this.say("There is no step to undo.");
    this.network.layers = last.layers;
    this.changed();
    this.say(`${this.count()} The weights are those from before the last step.`);
  }

  /** Another rate; the last step, if there is one, is taken anew with it. */
  setRate(place) {
    const before = this.place(place);
    if (this.taken.length && !this.move()) this.place(before);
  }

  /** Moves the weights from where they were before the last step. Returns whether that could be. */
  move() {
    const { layers, gradients } = this.taken.at(-1);
    const next = stepped({ ...this.network, layers }, gradients, this.rate);
    if (!this.read(next).every((reading) => reading.isSound)) {
      this.say(`With \u03b7 = ${this.rate} numbers would overflow: the weights stay as they are.`);
      return false;
    }
    this.network.layers = next.layers;
    this.changed();
    this.say(`${this.count()} ${this.othersSentence()}`);
    return true;
  }

  /** [{ name, x, label }]: ten other digits, and the class that each is, or was read as. */
  digits() {
    const { network } = this;
    this.others ??= Object.entries(network.digits).map(([name, strokes]) => {
      const x = toInput(prepare(strokes, true).bytes, network);
      const known = network.classes.indexOf(name);
      const read = () => indexOfMax(activations(this.original(), x).at(-1).data);
      return { name, x, label: known >= 0 ? known : read() };
    });
    return this.others;
  }

  /** What a network makes of each of the ten digits, and the probability of the digit's class. */
  read(network) {
    const { readings } = this;
    const { layers } = network;
    if (!readings.has(layers)) {
      readings.set(layers, this.digits().map(({ x, label }) => {
        const values = activations(network, x);
        const chances = values.at(-1).data;
        const isRight = indexOfMax(chances) === label;
        return { chance: chances[label], isRight, isSound: isSound(values) };
      }));
    }
    return readings.get(layers);
  }

  // --- what is shown -------------------------------------------------------------------------

  count() {
    const steps = this.taken.length;
    return steps ? `${steps} ${steps === 1 ? "step" : "steps"} taken, the last with \u03b7 = `
      + `${this.rate}.` : "No step has been taken.";
  }

  othersSentence() {
    const [before, after] = [this.original(), this.network].map((net) => (
      this.read(net).filter(({ isRight }) => isRight).length));
    return `Correct among ten other digits: ${before} before, ${after} now.`;
  }

  /** Puts the slider there; returns where it was. */
  place(at) {
    const before = RATES.indexOf(this.rate);
    this.rate = RATES[at];
    this.slider.value = at;
    this.value.textContent = show(this.rate);
    return before;
  }

  show() {
    const steps = this.taken.length;
    this.undoButton.disabled = steps === 0;
    this.bars.node.hidden = steps === 0;
    if (steps) this.bars.draw(this.read(this.original()), this.read(this.network));
  }
}

function isSound(values) {
  return values.every(({ data }) => data.every((value) => Math.abs(value) < LARGEST));
}
