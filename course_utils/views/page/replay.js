// A training, replayed: while it runs, its curve; afterwards one slider moves a mark on the curve,
// the first layer's filters, and the probabilities of the digit that was misread longest.
import { ProbabilityBars } from "./bars.js";
import { TrainingCurve } from "./curve.js";
import { PREDICT_FIRST, frame, h, predict, prefersLessMotion } from "./frame.js";
import { arranged, largest, mosaic } from "./maps.js";
import { player } from "./player.js";
import { indexOfMax } from "./words.js";
import { framesOf, unpacked } from "./replay/frames.js";
import { filterWords, frameWords, progress } from "./replay/words.js";

const HELP = "\u2190 \u2192 step \u00b7 [ ] to where its answer changes \u00b7 Home, End "
  + "\u00b7 Space plays \u00b7 R resets \u00b7 F full screen \u00b7 Esc leaves";
const BEAT = 120; // milliseconds
const FILTERS_WIDE = 258;
const GAP = 6;

class Replay {
  at = 0; // the frame that is shown
  frames = null; // of a training that has ended, null before
  isAnswered = false;

  constructor({ model, el }) {
    const about = model.get("about");
    Object.assign(this, { model, about });
    const title = `${about.name}: a training, replayed`;
    this.view = frame(el, { title, help: HELP, keys: this.keys(), kind: "replay" });
    this.curve = new TrainingCurve((at) => this.isReady() && this.go(at));
    this.filters = mosaic(filterPlan(about.filters), "signed");
    this.picture = mosaic(arranged(1, 28, 28, 1, 4), "grey");
    this.bars = new ProbabilityBars(about.classes, (k) => this.isReady() && this.announceBar(k));
    this.slider = h("input", {
      type: "range", min: 0, step: 1, "aria-label": "step of the training",
      oninput: () => {
        this.player.stop();
        this.go(Number(this.slider.value));
      },
    });
    this.player = player(() => this.forward(), (on) => this.played(on), BEAT);
    this.playButton = h("button", { onclick: () => this.play() }, "play");
    this.place = h("output", { class: "replay-place" });
    const caption = () => h("p", { class: "replay-caption" });
    this.scale = caption();
    this.label = caption();
    this.answer = caption();
    this.question = h("p", { class: "view-predict" });
    this.beside = h("div", { class: "replay-digit", hidden: true },
      h("div", {}, this.picture.node, this.label), h("div", {}, this.bars.node, this.answer));
    this.view.body.classList.add("replay");
    this.view.body.append(this.question,
      h("div", { class: "replay-slider" }, this.playButton, this.slider, this.place),
      this.curve.node,
      h("div", { class: "replay-filters" }, this.filters.node, this.scale), this.beside);
  }

  /** Begin. Returns what ends it. */
  begin() {
    const { model } = this;
    const receive = () => this.receive();
    model.on("change:curve", receive);
    model.on("change:run", receive);
    receive();
    const visible = new IntersectionObserver(([{ isIntersecting }]) => (
      isIntersecting && this.repaint()
    ));
    visible.observe(this.view.box);
    return () => {
      this.player.stop();
      visible.disconnect();
      model.off("change:curve", receive);
      model.off("change:run", receive);
    };
  }

  bytes(trait) {
    const { buffer, byteOffset, byteLength } = this.model.get(trait);
    return new Uint8Array(buffer, byteOffset, byteLength);
  }

  // --- while the network learns ----------------------------------------------------------------

  /** What one message brings is told trait by trait, in any order. */
  receive() {
    this.showTraining();
    if (this.model.get("run").steps === this.model.get("curve").at(-1)[0]) this.showReplay();
  }

  showTraining() {
    const steps = this.model.get("curve");
    const [step] = steps.at(-1);
    this.player.stop();
    Object.assign(this, { at: 0, frames: null, isAnswered: false });
    this.lock(true);
    this.curve.draw(steps, this.about.digits);
    this.place.textContent = step === 0 ? "" : `step ${step}`;
    this.ask(h("p", { class: "view-predict" }, progress(steps.at(-1), this.about.digits)));
    this.answer.textContent = "";
    this.bars.draw(null);
    this.beside.hidden = true;
    this.repaint();
  }

  showReplay() {
    const { label: truth, question: asked } = this.model.get("run");
    const { classes } = this.about;
    if (truth === undefined || !this.model.get("filters").byteLength) return;
    const steps = this.model.get("curve");
    this.frames = framesOf(steps, classes.length, this.bytes("chances"), this.bytes("filters"));
    this.top = Math.max(...this.frames.map(({ filters }) => largest(filters)));
    this.truth = truth;
    this.slider.max = steps.length - 1;
    this.label.textContent = `class ${classes[truth]}`;
    this.beside.hidden = false;
    this.repaint();
    if (asked.question) this.ask(predict(asked, () => this.reveal()));
    else this.reveal();
    this.view.say(asked.question ? "The training has ended: first your prediction, or skip."
      : "The training has ended.");
  }

  ask(node) {
    this.question.replaceWith(node);
    this.question = node;
  }

  reveal() {
    this.isAnswered = true;
    this.lock(false);
    this.go(0);
  }

  lock(yes) {
    this.slider.disabled = yes;
    this.playButton.disabled = yes;
    if (yes) this.slider.value = 0;
  }

  isReady() {
    if (this.isAnswered) return true;
    this.view.say(this.frames ? PREDICT_FIRST
      : "The training has not ended yet.");
    return false;
  }

  // --- afterwards ------------------------------------------------------------------------------

  go(at) {
    const { frames, about: { classes, digits } } = this;
    this.at = Math.min(frames.length - 1, Math.max(0, at));
    const { step, chances } = frames[this.at];
    this.slider.value = this.at;
    this.place.textContent = `step ${step} of ${frames.at(-1).step}`;
    this.slider.setAttribute("aria-valuetext", this.place.textContent);
    this.curve.mark(this.at);
    this.bars.draw(chances, frames[0].chances);
    this.repaint();
    const predicted = indexOfMax(chances);
    const tick = predicted === this.truth ? " \u2713" : "";
    const name = h("b", {}, classes[predicted]);
    this.answer.replaceChildren("read as ", name, tick, "; dashed: at step 0");
    if (this.player.isOn()) return; // too fast to be read aloud
    this.view.say(frameWords(frames[this.at], digits, predicted, classes[predicted]));
  }

  /** What is on canvases: they may have been cleared while they were out of sight. */
  repaint() {
    const { frames, at, about } = this;
    const values = frames ? frames[at].filters : unpacked(this.bytes("now"));
    const top = frames ? this.top : largest(values);
    this.filters.paint(values, -top, top);
    this.picture.paint(frames ? this.bytes("digit") : new Uint8Array(784), 0, 255);
    this.scale.textContent = filterWords(about.filters, about.pooled, top);
  }

  announceBar(k) {
    const { step, chances } = this.frames[this.at];
    const name = this.about.classes[k];
    this.view.say(`Probability of ${name} at step ${step}: ${chances[k].toFixed(4)}.`);
  }

  play() {
    if (!this.isReady()) return;
    if (this.player.isOn()) return this.player.stop();
    const isAtEnd = this.at === this.frames.length - 1;
    // One step for each press.
    if (prefersLessMotion()) return this.go(isAtEnd ? 0 : this.at + 1);
    if (isAtEnd) this.go(0);
    this.player.start();
  }

  /** One step of playing. False at the end. */
  forward() {
    this.go(this.at + 1);
    return this.at < this.frames.length - 1;
  }

  played(on) {
    this.playButton.textContent = on ? "stop" : "play";
    if (!on && this.frames) this.go(this.at); // say where it has come to
  }

  /** The next frame, or the one before, in which the digit is read as another class than here. */
  change(by) {
    const predicted = this.frames.map(({ chances }) => indexOfMax(chances));
    let at = this.at + by;
    while (at in predicted && predicted[at] === predicted[at - by]) at += by;
    if (at in predicted) this.go(at);
    else this.view.say(`Its answer does not change ${by > 0 ? "after" : "before"} this step.`);
  }

  keys() {
    const act = (action) => (event) => {
      const forSlider = !["[", "]", " ", "r", "R"].includes(event.key);
      if (event.target === this.slider && forSlider) return false;
      if (!this.isReady()) return undefined;
      if (event.key !== " ") this.player.stop();
      action();
      return undefined;
    };
    const first = act(() => this.go(0));
    return {
      ArrowLeft: act(() => this.go(this.at - 1)),
      ArrowRight: act(() => this.go(this.at + 1)),
      Home: first,
      End: act(() => this.go(this.frames.length - 1)),
      "[": act(() => this.change(-1)),
      "]": act(() => this.change(1)),
      " ": act(() => this.play()),
      r: first,
      R: first,
    };
  }
}

function filterPlan([count, high, wide]) {
  const columns = Math.ceil(Math.sqrt(count));
  const zoom = Math.floor((FILTERS_WIDE / columns - GAP) / wide);
  return arranged(count, high, wide, columns, zoom, GAP);
}

export default { render: (page) => new Replay(page).begin() };
