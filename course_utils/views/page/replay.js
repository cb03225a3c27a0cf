// A training, replayed: while it runs, its curve; afterwards one slider moves a mark on the curve,
// the first layer's filters, and the probabilities of the digit that was misread longest.
import { h, calm, frame, predict, show } from "./frame.js";
import { trainingCurve } from "./curve.js";
import { arranged, largest, mosaic } from "./maps.js";
import { probabilityBars } from "./bars.js";
import { indexOfMax } from "./words.js";

const REPLAY_HELP = "\u2190 \u2192 step \u00b7 [ ] to where its answer changes \u00b7 Home, End "
  + "\u00b7 Space plays \u00b7 R resets \u00b7 F full screen \u00b7 Esc leaves";
const REPLAY_BEAT = 120; // milliseconds
const FILTERS_WIDE = 258;
const GAP = 6;
const BEGIN = "No step yet: the curve grows here when the network learns.";

function replay({ model, el }) {
  const { name, classes, digits, filters: shape, pooled } = model.get("about");
  const [count, high, wide] = shape;
  // at: the frame that is shown; frames: of a training that has ended, null before; clock: plays.
  const state = { at: 0, frames: null, answered: false, clock: null };
  const title = `${name}: a training, replayed`;
  const view = frame(el, { title, help: REPLAY_HELP, keys: keys(), kind: "replay" });
  const curve = trainingCurve((at) => ready() && go(at));
  const filters = mosaic(filterPlan(), "signed");
  const picture = mosaic(arranged(1, 28, 28, 1, 4), "grey");
  const bars = probabilityBars(classes, (k) => ready() && tellBar(k));
  const slider = h("input", {
    type: "range", min: 0, step: 1, "aria-label": "step of the training",
    oninput: () => { stop(); go(Number(slider.value)); },
  });
  const player = h("button", { onclick: play }, "play");
  const place = h("output", { class: "replay-place" });
  const [scale, label, answer] = [1, 2, 3].map(() => h("p", { class: "replay-caption" }));
  let question = h("p", { class: "view-predict" });

  view.body.classList.add("replay");
  const beside = h("div", { class: "replay-digit", hidden: true },
    h("div", {}, picture.node, label), h("div", {}, bars.node, answer));
  view.body.append(question, h("div", { class: "replay-slider" }, player, slider, place),
    curve.node, h("div", { class: "replay-filters" }, filters.node, scale), beside);
  model.on("change:curve", heard);
  model.on("change:run", heard);
  heard();
  const visible = new IntersectionObserver(([{ isIntersecting }]) => isIntersecting && repaint());
  visible.observe(view.box);
  return () => {
    stop();
    visible.disconnect();
    model.off("change:curve", heard);
    model.off("change:run", heard);
  };

  // --- while the network learns ----------------------------------------------------------------

  /** What one message brings is told trait by trait, in any order. */
  function heard() {
    learning();
    if (model.get("run").steps === model.get("curve").at(-1)[0]) ended();
  }

  function learning() {
    const steps = model.get("curve");
    stop();
    Object.assign(state, { at: 0, frames: null, answered: false });
    lock(true);
    curve.draw(steps, digits);
    const [step, loss, right] = steps.at(-1);
    place.textContent = step === 0 ? "" : `step ${step}`;
    asking(h("p", { class: "view-predict" }, step === 0 ? BEGIN
      : `Step ${step}: loss ${lossWords(loss)}, ${right} of ${digits} digits are read rightly. `
        + "The question comes when the training has ended."));
    answer.textContent = "";
    bars.draw(null);
    beside.hidden = true;
    repaint();
  }

  function ended() {
    const { label: truth, question: asked } = model.get("run");
    if (truth === undefined || !model.get("filters").byteLength) return;
    const steps = model.get("curve");
    const chances = new Float32Array(bytes("chances").slice().buffer);
    const all = bytes("filters");
    const size = all.length / steps.length;
    state.frames = steps.map(([step, loss, right], i) => ({
      step, loss, right,
      chances: Array.from(chances.subarray(i * classes.length, (i + 1) * classes.length)),
      filters: unpacked(all.subarray(i * size, (i + 1) * size)),
    }));
    state.top = Math.max(...state.frames.map(({ filters: values }) => largest(values)));
    state.truth = truth;
    slider.max = steps.length - 1;
    label.textContent = `class ${classes[truth]}`;
    beside.hidden = false;
    repaint();
    if (asked.question) asking(predict(asked, reveal));
    else reveal();
    view.say(asked.question ? "The training has ended: first your prediction, or skip."
      : "The training has ended.");
  }

  function asking(node) {
    question.replaceWith(node);
    question = node;
  }

  function reveal() {
    state.answered = true;
    lock(false);
    go(0);
  }

  function lock(yes) {
    slider.disabled = player.disabled = yes;
    if (yes) slider.value = 0;
  }

  function ready() {
    if (state.answered) return true;
    view.say(state.frames ? "First your prediction, or skip." : "The training has not ended yet.");
    return false;
  }

  // --- afterwards ------------------------------------------------------------------------------

  function go(at) {
    const { frames } = state;
    state.at = Math.min(frames.length - 1, Math.max(0, at));
    const { step, loss, right, chances } = frames[state.at];
    slider.value = state.at;
    place.textContent = `step ${step} of ${frames.at(-1).step}`;
    slider.setAttribute("aria-valuetext", place.textContent);
    curve.mark(state.at);
    bars.draw(chances, frames[0].chances);
    repaint();
    const said = indexOfMax(chances);
    const tick = said === state.truth ? " \u2713" : "";
    answer.replaceChildren("read as ", h("b", {}, classes[said]), tick, "; dashed: at step 0");
    if (state.clock) return; // too fast to be read aloud
    view.say(`Step ${step}: loss ${lossWords(loss)}, ${right} of ${digits} read rightly; `
      + `this one is read as ${classes[said]}, probability ${chances[said].toFixed(4)}.`);
  }

  /** What is on canvases: they may have been cleared while they were out of sight. */
  function repaint() {
    const { frames, at } = state;
    const values = frames ? frames[at].filters : unpacked(bytes("now"));
    const top = frames ? state.top : largest(values);
    filters.paint(values, -top, top);
    const digit = frames ? bytes("digit") : new Uint8Array(784);
    picture.paint(digit, 0, 255);
    scale.textContent = `${count} filters, ${high} \u00d7 ${wide}`
      + `${pooled ? " (means of 2 \u00d7 2 weights)" : ""}: `
      + `blue \u2212${show(top, 2)}, white 0, orange ${show(top, 2)}`;
  }

  function tellBar(k) {
    const { step, chances } = state.frames[state.at];
    view.say(`Probability of ${classes[k]} at step ${step}: ${chances[k].toFixed(4)}.`);
  }

  function play() {
    if (!ready()) return;
    if (state.clock) return stop();
    const last = state.frames.length - 1;
    if (calm()) return go(state.at === last ? 0 : state.at + 1); // one step for each press
    if (state.at === last) go(0);
    player.textContent = "stop";
    state.clock = setInterval(() => {
      go(state.at + 1);
      if (state.at === last) stop();
    }, REPLAY_BEAT);
  }

  function stop() {
    const playing = state.clock;
    clearInterval(playing);
    state.clock = null;
    player.textContent = "play";
    if (playing && state.frames) go(state.at); // say where it has come to
  }

  /** The next frame, or the one before, in which the digit is read as another class than here. */
  function change(by) {
    const said = state.frames.map(({ chances }) => indexOfMax(chances));
    let at = state.at + by;
    while (at in said && said[at] === said[at - by]) at += by;
    if (at in said) go(at);
    else view.say(`Its answer does not change ${by > 0 ? "after" : "before"} this step.`);
  }

  function keys() {
    const act = (action) => (event) => {
      if (event.target === slider && !["[", "]", " ", "r", "R"].includes(event.key)) return false;
      if (!ready()) return undefined;
      if (event.key !== " ") stop();
      action();
      return undefined;
    };
    return {
      ArrowLeft: act(() => go(state.at - 1)),
      ArrowRight: act(() => go(state.at + 1)),
      Home: act(() => go(0)),
      End: act(() => go(state.frames.length - 1)),
      "[": act(() => change(-1)),
      "]": act(() => change(1)),
      " ": act(play),
      r: act(() => go(0)),
      R: act(() => go(0)),
    };
  }

  // --- numbers ---------------------------------------------------------------------------------

  function bytes(trait) {
    const { buffer, byteOffset, byteLength } = model.get(trait);
    return new Uint8Array(buffer, byteOffset, byteLength);
  }

  /** What replay.py has packed: the largest size as float32, and a signed byte for each value. */
  function unpacked(content) {
    const data = new DataView(content.buffer, content.byteOffset, content.byteLength);
    const unit = data.getFloat32(0, true) / 127;
    return Float32Array.from({ length: content.length - 4 }, (_, i) => unit * data.getInt8(4 + i));
  }

  function filterPlan() {
    const columns = Math.ceil(Math.sqrt(count));
    const zoom = Math.floor((FILTERS_WIDE / columns - GAP) / wide);
    return arranged(count, high, wide, columns, zoom, GAP);
  }
}

function lossWords(loss) {
  return loss === null ? "too large for a number" : show(loss, 3);
}

export default { render: replay };
