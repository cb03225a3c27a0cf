// Back-propagation, step by step: the network of lesson 04 with all its numbers, computed one
// quantity at a time, forward and then backward, and a step of descent at the end.
import { frame, h, predict } from "./frame.js";
import { Linked } from "./linked.js";
import { clamp } from "./numbers.js";
import { player } from "./player.js";
import { StepsBar } from "./backprop/bar.js";
import { drawFork } from "./backprop/fork.js";
import { Graph } from "./backprop/graph.js";
import { descended, passes } from "./backprop/network.js";
import { picture } from "./backprop/picture.js";
import { askedExample, whereTheLossGoes, whichGetNothing } from "./backprop/question.js";
import {
  GIVEN, STEPS, base, isOfExamples, knownPlaces, nodeOf, placesOf,
} from "./backprop/steps.js";
import { sentence } from "./backprop/words.js";

const HELP = "← → the quantity · ↑ ↓ the number · [ ] the example · Space plays · Home, End "
  + "· R resets · F full screen · Esc leaves · click a number to trace it";
const LAST = STEPS.length;
const BEAT = 1500; // milliseconds

class Backprop extends Linked {
  at = 0; // how many steps are made
  example = 0;
  unit = 0; // which hidden unit, and which input, is followed
  input = 0;
  clicked = null; // a place that the reader looks at, in place of that of the step
  descents = 0;
  hasAsked = { first: false, step: false };

  constructor({ model, el }) {
    super(model, [...GIVEN, "learning_rate"]);
    this.view = frame(el, {
      title: "Back-propagation, step by step", help: HELP, keys: this.keys(), kind: "backprop",
    });
    this.play = player(() => this.forward(), (on) => this.bar.played(on), BEAT);
    this.line = h("div", { class: "view-predict" });
    this.bar = new StepsBar({
      go: (at) => this.isFree() && this.go(at), forward: () => this.forward(),
      back: () => this.go(this.at - 1), play: () => this.play.toggle(), reset: () => this.reset(),
    });
    this.scroll = h("div", {
      class: "bp-scroll", tabindex: 0, role: "group", "aria-label": "the network as a graph",
    });
    this.trace = h("div", { class: "bp-trace" });
    this.view.body.append(this.line, this.bar.node, this.scroll, this.trace);
  }

  /** Begin. Returns what ends it. */
  begin() {
    const end = this.listen();
    this.read();
    return end;
  }

  keys() {
    const go = (at) => () => this.isFree() && this.go(at());
    return {
      ArrowRight: () => this.isFree() && this.forward(),
      ArrowLeft: go(() => this.at - 1),
      ArrowUp: () => this.isFree() && this.choose(-1),
      ArrowDown: () => this.isFree() && this.choose(1),
      "[": () => this.pickExample(this.example - 1),
      "]": () => this.pickExample(this.example + 1),
      Home: go(() => 0),
      End: go(() => LAST),
      r: () => this.reset(),
      R: () => this.reset(),
      " ": () => this.isFree() && this.play.toggle(),
    };
  }

  // --- the state -----------------------------------------------------------------------------

  traits() {
    return Object.fromEntries(GIVEN.map((name) => [name, this.net[name]]));
  }

  receiveTraits() {
    if (this.isOther()) this.read();
  }

  /** Whether Python has other numbers: it also repeats those that it was told. */
  isOther() {
    const same = (name) => JSON.stringify(this.model.get(name)) === JSON.stringify(this.net[name]);
    return this.model.get("learning_rate") !== this.rate || !GIVEN.every(same);
  }

  /** Begin with the numbers that Python has, and with the question if it was not answered. */
  read() {
    this.rate = this.model.get("learning_rate");
    this.startFrom(Object.fromEntries(GIVEN.map((name) => [name, this.model.get(name)])));
    this.graph = new Graph(this.net, (name, node) => this.pick(name, node));
    this.scroll.replaceChildren(this.graph.node);
    if (this.hasAsked.first && !this.question) return this.tell();
    this.hasAsked.first = true;
    this.ask(whichGetNothing(this.net), () => this.tell());
  }

  startFrom(given) {
    this.play.stop();
    this.take(given);
    Object.assign(this, { unit: 0, input: 0, example: askedExample(this.net) });
  }

  take({ X, y, ...parameters }, descents = 0) {
    Object.assign(this, { net: passes({ X, y, ...parameters }), at: 0, clicked: null, descents });
    this.after = passes({ X, y, ...descended(this.net, this.rate) });
  }

  restore(start) {
    this.startFrom(start);
    this.sendTraits();
    this.draw();
  }

  // --- what the reader does ------------------------------------------------------------------

  ask(question, then) {
    this.question = question;
    this.bar.node.disabled = true;
    const done = () => {
      this.question = null;
      this.bar.node.disabled = false;
      then();
      this.view.box.focus({ preventScroll: true });
    };
    this.line.replaceChildren(predict(question, done));
    this.draw();
    this.view.say("A question comes first: answer it, or skip it.");
  }

  /** The next quantity; behind the last one, the same again with the new weights. */
  forward() {
    if (this.at < LAST) return this.go(this.at + 1);
    if (this.play.isOn()) return false;
    const { X, y } = this.net;
    this.take({ X, y, ...descended(this.net, this.rate) }, this.descents + 1);
    this.sendTraits();
    return this.go(0);
  }

  /** Show so many steps. Returns whether that is possible yet. */
  go(at) {
    if (at === LAST && !this.hasAsked.step) {
      this.hasAsked.step = true;
      this.play.stop();
      this.at = LAST - 1;
      this.ask(whereTheLossGoes(this.net, this.after, this.rate), () => this.go(LAST));
      return false;
    }
    this.at = clamp(at, LAST + 1);
    this.clicked = null;
    this.tell();
    return true;
  }

  /** Another number of the same quantity. */
  choose(by) {
    if (this.at === 0) return;
    const places = this.placesNow();
    const now = nodeOf(this.here());
    const k = places.findIndex((place) => nodeOf(place) === now);
    this.follow(places[clamp(k + by, places.length)]);
    this.tell();
  }

  /** Remember which unit and input a place belongs to, as the next steps begin with them. */
  follow(place) {
    const { name, i, j } = place;
    Object.assign(this, {
      X: { input: j }, W1: { input: i, unit: j }, W2: { unit: i },
      z1: { unit: j }, a1: { unit: j }, b1: { unit: j },
    }[base(name)]);
    this.clicked = STEPS[this.at - 1]?.name === name ? null : place;
  }

  pick(name, node) {
    const known = knownPlaces(this.net, this.at, this.example);
    const place = known.find((one) => one.name === name && nodeOf(one) === node);
    if (!place || this.question) return;
    this.play.stop();
    this.follow(place);
    this.tell();
  }

  pickExample(n) {
    this.example = clamp(n, this.net.X.length);
    if (this.clicked && isOfExamples(this.clicked.name)) this.clicked.i = this.example;
    this.tell();
  }

  // --- what is shown -------------------------------------------------------------------------

  placesNow() {
    return placesOf(this.net, STEPS[this.at - 1], this.example);
  }

  /** The place that is traced, or null. */
  here() {
    if (this.clicked || this.at === 0) return this.clicked;
    const { unit: k, input: i } = this;
    const places = this.placesNow();
    const followed = [`X ${i}`, `W1 ${i} ${k}`, `b1 0 ${k}`, `z1 ${k}`, `a1 ${k}`, `W2 ${k} 0`];
    return places.find((place) => followed.includes(nodeOf(place))) ?? places[0];
  }

  tell() {
    this.draw();
    this.view.say(sentence(this.scene()));
  }

  scene() {
    const { net, after, rate, at, example, descents } = this;
    const [step, here] = [STEPS[at - 1] ?? null, this.here()];
    return { net, after, rate, at, step, here, example, descents };
  }

  draw() {
    const { graph, fork, isDerivative: derivative, trace } = picture(this.scene());
    this.graph.draw(graph);
    this.graph.beside.replaceChildren(...drawFork(fork, {
      chosen: this.example, derivative, pick: (n) => this.pickExample(n),
    }));
    this.trace.replaceChildren(...trace.map(({ strong, text }) => (
      h("p", {}, strong && h("b", {}, strong), text))));
    this.bar.mark(this.at);
  }
}

export default { render: (page) => new Backprop(page).begin() };
