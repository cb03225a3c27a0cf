// A panel: the question, the controls, and the figure and table that Python makes of them.
import { PREDICT_FIRST, frame, h, predict, prefersLessMotion } from "./frame.js";
import { player } from "./player.js";
import { fieldOf, stepped } from "./panel/fields.js";
import { helpOf, keysOf } from "./panel/keys.js";
import { controlsIn, scrollTo, tableOf } from "./panel/table.js";

/** How long the kernel may take before the page says that it does not answer. */
const PATIENCE = 4000; // milliseconds
const BEAT = 500;
const SILENT =
  "The kernel does not answer: it is busy, or has stopped. If it stays so, run the cell again.";

class Panel {
  clickedAt = null; // where the figure was clicked since Python was asked last
  unsentValues = {}; // what was changed since then
  waiting = null; // the clock that runs until Python answers
  askAgain = false; // Python is to be asked once more when it has answered

  constructor({ model, el }) {
    this.model = model;
    this.controls = model.get("controls").map((control) => ({ ...control }));
    this.moves = model.get("moves");
    this.values = this.start();
    // A page that is opened beside another one, or again, finds the question answered.
    this.turn = model.get("response").turn;
    this.isAnswered = this.turn > 0;
    this.fields = Object.fromEntries(this.controls.map((control) => [
      control.name, this.field(control),
    ]));
    this.player = player(() => this.waiting !== null || this.forward(), () => {}, BEAT);
    this.view = frame(el, { title: model.get("title"), help: helpOf(this), keys: keysOf(this) });
    this.toolbar = h("div", { class: "panel-controls" });
    this.picture = h("img", { class: "panel-figure", onclick: (event) => this.pointAt(event) });
    this.picture.classList.toggle("pickable", Boolean(model.get("picks")));
    this.reason = h("p", { class: "panel-why", "aria-live": "polite", hidden: true });
    this.table = h("div", { class: "panel-table" });
  }

  /** Begin. Returns what ends it. */
  begin() {
    const { model, view, toolbar, picture, table, reason } = this;
    const question = this.isAnswered ? [] : [predict(model.get("question"), () => this.reveal())];
    view.body.append(...question, toolbar, picture, table, reason);
    this.lock(!this.isAnswered);
    this.draw();
    const draw = () => this.draw();
    model.on("change:response", draw);
    return () => {
      this.player.stop();
      clearTimeout(this.waiting);
      model.off("change:response", draw);
      if (picture.src) URL.revokeObjectURL(picture.src);
    };
  }

  start() {
    return { ...this.model.get("start") };
  }

  field(control) {
    return fieldOf(control, {
      change: (value) => this.change({ [control.name]: value }),
      say: (text) => this.view.say(text),
      value: () => this.values[control.name],
    });
  }

  control(name) {
    return this.controls.find((control) => control.name === name);
  }

  reveal() {
    this.isAnswered = true;
    this.lock(false);
    this.ask();
  }

  lock(yes) {
    for (const input of Object.values(this.fields).flatMap(({ inputs }) => inputs)) {
      input.disabled = yes;
    }
  }

  // --- asking Python -------------------------------------------------------------------------

  /** Ask Python for the look of the values: one request at a time, the latest values last. */
  ask() {
    if (this.waiting !== null) {
      this.askAgain = true;
      return;
    }
    this.turn = (this.model.get("request").turn ?? 0) + 1;
    const { turn, values, isAnswered: answered, clickedAt: at } = this;
    this.clickedAt = null;
    this.unsentValues = {};
    this.model.set("request", { turn, values: { ...values }, answered, at });
    this.model.save_changes();
    this.waiting = setTimeout(() => this.missAnswer(), PATIENCE);
  }

  missAnswer() {
    this.view.say(SILENT);
    this.waiting = null;
  }

  /** A click in the figure: where it was; what it means is known to Python. */
  pointAt({ clientX, clientY }) {
    if (!this.model.get("picks")) return;
    if (!this.isAnswered) return this.view.say(PREDICT_FIRST);
    const { left, top, width, height } = this.picture.getBoundingClientRect();
    this.clickedAt = [(clientX - left) / width, (clientY - top) / height];
    this.ask();
  }

  change(values) {
    // It was for the values before; where there always is one, the next is about to come.
    if (!this.model.get("response").why) this.reason.hidden = true;
    Object.assign(this.values, values);
    Object.assign(this.unsentValues, values);
    for (const [name, value] of Object.entries(values)) this.fields[name]?.set(value);
    this.ask();
  }

  // --- what Python has answered --------------------------------------------------------------

  draw() {
    const response = this.model.get("response");
    if (response.turn === this.turn && this.waiting !== null) {
      clearTimeout(this.waiting);
      this.waiting = null;
    }
    this.view.say(response.problem ?? response.sentence);
    // A late answer is not about what has been changed since.
    if (this.waiting === null) this.values = { ...response.values, ...this.unsentValues };
    this.drawFigure(response.alt);
    if (response.why) this.explain(response.why);
    this.drawTable(response.table);
    for (const [name, most] of Object.entries(response.limits ?? {})) this.limit(name, most);
    for (const [name, { set }] of Object.entries(this.fields)) set(this.values[name]);
    if (!this.askAgain) return;
    this.askAgain = false;
    this.ask();
  }

  /** Let a control go up to most only. */
  limit(name, most) {
    this.control(name).max = most;
    for (const input of this.fields[name].inputs) input.max = most;
  }

  drawFigure(alt) {
    const { picture } = this;
    const bytes = this.model.get("figure");
    picture.hidden = !bytes?.byteLength;
    if (picture.hidden) return;
    const old = picture.src;
    picture.src = URL.createObjectURL(new Blob([bytes], { type: "image/png" }));
    picture.alt = alt;
    if (old) URL.revokeObjectURL(old);
  }

  drawTable(content) {
    const { table, view } = this;
    const focused = document.activeElement;
    const place = [...table.querySelectorAll(".panel-cell")].indexOf(focused);
    const { scrollTop } = table;
    table.replaceChildren();
    const pick = (cell) => this.pick(cell);
    const control = (name) => this.fields[name].node;
    if (content) table.append(tableOf(content, { pick, control }));
    this.drawToolbar(new Set(controlsIn(content)));
    // A cell that was clicked is another element now; without the focus the keys would be lost.
    const next = place < 0 ? focused : table.querySelectorAll(".panel-cell")[place] ?? view.box;
    if (view.box.contains(next)) next.focus({ preventScroll: true });
    table.scrollTop = scrollTop;
    if (content?.current) scrollTo(table, content.current);
  }

  /** The controls outside the table; a number has a label there. */
  drawToolbar(inTable) {
    const { toolbar } = this;
    const outside = this.controls.filter(({ name }) => !inTable.has(name));
    // Only where they change: a slider that is taken out of the page is no longer held.
    if (toolbar.childElementCount !== outside.length) {
      toolbar.replaceChildren(...outside.map(({ name, kind, label }) => {
        const { node } = this.fields[name];
        return kind === "number" ? h("label", {}, `${label} `, node) : node;
      }));
    }
    toolbar.hidden = !toolbar.hasChildNodes();
  }

  pick({ set, why }) {
    if (!this.isAnswered) return this.view.say(PREDICT_FIRST);
    if (set) this.change(set);
    if (why) this.explain(why);
  }

  explain(why) {
    this.reason.hidden = false;
    this.reason.textContent = why;
  }

  // --- what keys do --------------------------------------------------------------------------

  /** One step up or down of the control that a key moves; false if it can go no further. */
  move(name, by) {
    const control = this.control(name);
    if (!control || !this.isAnswered) return false;
    const next = stepped(control, this.values[name], by);
    if (next === undefined) return false;
    this.change({ [name]: next });
    return true;
  }

  play() {
    const { arrows } = this.moves;
    if (!arrows || !this.isAnswered) return false;
    if (this.player.isOn()) return this.player.stop();
    const { min, options } = this.control(arrows);
    if (!this.forward()) this.change({ [arrows]: options ? options[0] : min });
    if (!prefersLessMotion()) this.player.start(); // otherwise one step for each press
    return undefined;
  }

  /** One step of playing. False at the end. */
  forward() {
    return this.move(this.moves.arrows, 1);
  }

  reset() {
    if (!this.isAnswered) return false;
    this.player.stop();
    this.change(this.start());
    return undefined;
  }
}

export default { render: (page) => new Panel(page).begin() };
