// The backward side of the X-ray: which number's gradients are shown, and where they come from.
import { backward, crossEntropy, nudged, untrained } from "../backward.js";
import { ANSWER_FIRST, h, predict, show } from "../frame.js";
import { activations, inkRange } from "../network.js";
import { asSentence } from "../numbers.js";
import { indexOfMax } from "../words.js";
import { Aside } from "./aside.js";
import { gradientQuestions } from "./gradientquestions.js";
import { Descent } from "./descent.js";

/** The adversarial step is at most so much of the way from black to white. */
const MOST = 0.3;

export class Gradients {
  isOn = false;
  target = "loss"; // or "logit"
  picked = null; // the class, or null for the most probable one
  label = 0; // the class that is meant by that
  epsilon = 0; // how far the adversarial step goes, as a part of the way from black to white
  found = null; // what backward() returns; null where it is not to be seen
  problem = ""; // why there are none, in a sentence
  before = null; // probabilities before the weights, or the picture, were changed here
  node = h("p", { hidden: true }); // a question

  /** changed(): all is to be computed again, with run(). question: see question.js. say(text). */
  constructor({ network, question, changed, say }) {
    Object.assign(this, { network, question, changed, say });
    this.questions = gradientQuestions(network);
    this.isAsking = false;
    this.untrained = untrained(network);
    this.ink = inkRange(network); // black and white
    this.aside = new Aside(network);
    this.descent = new Descent({ network, say, changed, gradients: () => this.found });
    this.modes = this.controls();
    this.side = h("div", { class: "gradient-side" },
      this.descent.controls(), this.attackControl(), this.aside.node, this.descent.bars.node);
    this.show();
  }

  reset() {
    Object.assign(this, { isOn: false, target: "loss", picked: null, isAsking: false });
    this.node.hidden = true;
    this.setEpsilon(0);
    this.descent.reset();
    this.show();
  }

  // --- what is computed ----------------------------------------------------------------------

  /** What the network makes of x, see activations(), and the gradients of that, if they are on. */
  run(x) {
    const { network, descent } = this;
    Object.assign(this, { found: null, before: null });
    if (!x) return null;
    const clean = activations(network, x);
    const original = descent.taken.length ? activations(descent.original(), x) : clean;
    this.label = this.picked ?? indexOfMax(original.at(-1).data);
    const values = this.epsilon ? activations(network, this.attacked(x, clean)) : clean;
    if (this.isChanged()) this.before = Array.from(original.at(-1).data);
    if (this.isOn && !this.isAsking) this.back(values);
    this.show();
    return values;
  }

  /** Finds the gradients, or why there are none. */
  back(values) {
    this.problem = "";
    try {
      this.found = backward(this.network, values, this);
      this.number = numberOf(values, this);
      if (this.epsilon) this.aside.drawChanged(values[0], this.ink);
      else this.aside.drawControl(this.untrainedGradient(values[0]));
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      this.problem = asSentence(error.message);
    }
  }

  /** The picture after a step to where the loss of the class grows; as it is without gradients. */
  attacked(x, values) {
    const { epsilon, label, network: { std } } = this;
    if (!values.at(-1).data.every(Number.isFinite)) return x;
    const { values: [slopes] } = backward(this.network, values, { target: "loss", label });
    return nudged(x, slopes, epsilon / std, this.ink);
  }

  untrainedGradient(x) {
    return backward(this.untrained, activations(this.untrained, x), this).values[0];
  }

  /** Whether the weights, or the picture, are not those that were there before. */
  isChanged() {
    return this.epsilon > 0 || this.descent.taken.length > 0;
  }

  /** What is not as it was, in sentences that begin with a space. */
  changes() {
    const { descent, epsilon } = this;
    const moved = descent.taken.length ? ` ${descent.count()}` : "";
    return epsilon ? `${moved} The picture is changed by \u03b5 = ${epsilon.toFixed(2)}.` : moved;
  }

  /** What is shown, in a sentence. */
  tell() {
    if (!this.isOn) return this.say("Forward: what each layer makes of the drawing.");
    if (this.isAsking) return this.say(ANSWER_FIRST);
    if (!this.found) return this.say(this.problem || "Nothing is drawn: there is no gradient.");
    const name = `${this.target} for ${this.network.classes[this.label]}`;
    this.say(`Backward: gradients of the ${name}, which is ${show(this.number)}.`);
  }

  // --- what the learner does -----------------------------------------------------------------

  toggle() {
    if (!this.isOn && this.question.comesFirst()) return;
    this.isOn = !this.isOn;
    const asked = this.isOn && this.questions.shift();
    if (asked) this.ask(asked);
    this.question.node.hidden = this.isOn;
    this.node.hidden = !this.isOn;
    this.changed();
    this.tell();
  }

  /** Asks, and shows no gradient before the answer. */
  ask(asked) {
    this.isAsking = true;
    const line = predict(asked, () => {
      this.isAsking = false;
      this.changed();
      this.tell();
    });
    this.node.replaceWith(line);
    this.node = line;
  }

  setEpsilon(epsilon) {
    this.epsilon = epsilon;
    this.attack.value = epsilon;
    this.attackValue.textContent = epsilon.toFixed(2);
  }

  // --- its elements --------------------------------------------------------------------------

  /** The switch, and what it is the gradient of. */
  controls() {
    const change = (name, read) => (event) => {
      this[name] = read(event.target.value);
      this.changed();
      this.tell();
    };
    const option = (value, text) => h("option", { value }, text);
    this.toggleButton = h("button", { onclick: () => this.toggle() }, "backward (G)");
    this.mostProbable = option("", "");
    this.targetSelect = h(
      "select", { "aria-label": "gradient of", onchange: change("target", String) },
      option("loss", "loss"), option("logit", "logit"),
    );
    const picked = (text) => (text === "" ? null : Number(text));
    this.classSelect = h(
      "select", { "aria-label": "of class", onchange: change("picked", picked) },
      this.mostProbable, this.network.classes.map((name, k) => option(k, name)),
    );
    this.choices = h("span", {}, this.targetSelect, " for ", this.classSelect);
    return [this.choices, this.toggleButton];
  }

  attackControl() {
    this.attackValue = h("output", {});
    this.attack = h("input", {
      type: "range", min: 0, max: MOST, step: 0.01,
      "aria-label": "epsilon: how far the adversarial step goes",
      oninput: () => {
        this.setEpsilon(Number(this.attack.value));
        this.changed();
        this.say(this.changes().trim() || "The picture is as it was drawn.");
      },
    });
    this.setEpsilon(0);
    const title = "each pixel moves by \u03b5 in the direction that raises the loss; "
      + "1 is from black to white";
    return h("label", { class: "gradient-slider", title },
      "adversarial \u03b5 ", this.attack, this.attackValue);
  }

  show() {
    this.toggleButton.setAttribute("aria-pressed", String(this.isOn));
    this.choices.hidden = !this.isOn;
    this.side.hidden = !this.isOn && !this.isChanged();
    this.targetSelect.value = this.target;
    this.classSelect.value = this.picked ?? "";
    this.mostProbable.textContent = this.picked === null
      ? `${this.network.classes[this.label]} (as read)` : "the class that is read";
    this.descent.show();
    // There is room for one of the two.
    const isAside = this.epsilon > 0 || !this.descent.taken.length;
    this.aside.node.hidden = !this.found || !isAside;
    this.descent.bars.node.hidden ||= isAside;
  }
}

/** The loss, or the logit, of a class. */
function numberOf(values, { target, label }) {
  const logits = values.at(-2);
  return target === "loss" ? crossEntropy(logits, label) : logits.data[label];
}
