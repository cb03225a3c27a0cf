// What is drawn in the X-ray: the pad, its pen, and the drawings that are shown one after another.
import { h, prefersLessMotion } from "../frame.js";
import { moved } from "../digit.js";
import { DrawingPad } from "../pad.js";
import { player } from "../player.js";

/** What each arrow key moves, right and down. */
export const MOVE = {
  ArrowUp: [0, -1], ArrowDown: [0, 1], ArrowLeft: [-1, 0], ArrowRight: [1, 0],
};
const PEN = { least: 4, most: 60, start: 20 };
/** To the right, back and over to the left, and home again. */
const WALK = [...Array(6).fill(1), ...Array(12).fill(-1), ...Array(6).fill(1)];
const STEP_MS = 200;

/** Drawings after one move, after two, and so on; a move is [right, down]. */
export function steps(drawing, moves) {
  return moves.map(([right, down]) => (drawing = moved(drawing, right, down)));
}

export class Drawing {
  centring = false; // whether it is prepared as MNIST's digits were
  example = true; // the learner has not drawn it; it is not centred unasked
  left = []; // the drawings that are still to be shown
  before = null; // probabilities to compare with, of before the drawing moved by itself

  /**
   * changed(done): the pad has changed; done is false while a stroke is being drawn.
   * question: see question.js. probabilities(): what the network says now. say(text).
   */
  constructor({ network, changed, question, probabilities, say }) {
    Object.assign(this, { network, changed, question, probabilities, say });
    this.pen = h("input", {
      type: "range", min: PEN.least, max: PEN.most, step: 2, "aria-label": "width of the pen",
      oninput: () => { this.width = Number(this.pen.value); },
    });
    this.player = player(() => this.forward(), () => {}, STEP_MS);
    this.pad = new DrawingPad({ begin: () => this.begin(), changed, width: () => this.width });
  }

  reset() {
    this.stop();
    Object.assign(this, { centring: false, before: null, example: true });
    this.setPen(PEN.start);
    this.pad.set(this.network.start);
  }

  // --- what the learner does -----------------------------------------------------------------

  /** A stroke is about to begin. */
  begin() {
    this.interrupt();
    if (!isFinished(this.pad.strokes)) this.takeOver();
  }

  replace(strokes) {
    this.interrupt();
    if (isFinished(strokes)) Object.assign(this, { example: true, centring: false });
    else this.takeOver();
    this.pad.set(strokes);
  }

  clear() {
    this.replace([]);
  }

  undo() {
    if (this.question.comesFirst()) return;
    this.stop();
    this.before = null;
    this.pad.undo();
  }

  shift(key) {
    if (this.question.comesFirst()) return;
    this.stop();
    this.pad.shift(...MOVE[key]);
  }

  /** Switch centring on or off. Returns whether that could be: a question may come first. */
  centre(on) {
    if (this.question.comesFirst()) return false;
    Object.assign(this, { example: false, centring: on });
    this.changed(true);
    return true;
  }

  /** From here on the drawing is the learner's, and is centred where the pad starts so. */
  takeOver() {
    if (this.example) Object.assign(this, { example: false, centring: this.network.centring });
  }

  /** All that was going on by itself is over. */
  interrupt() {
    this.stop();
    this.question.skip();
    this.before = null;
  }

  changePen(by) {
    this.setPen(Math.min(PEN.most, Math.max(PEN.least, this.width + by)));
    this.say(`The pen is ${this.width} wide, the pad 280.`);
  }

  setPen(width) {
    this.width = width;
    this.pen.value = width;
  }

  // --- what moves by itself ------------------------------------------------------------------

  /** Show the move that was asked about, with the probabilities of before. */
  demonstrate(before, drawings) {
    Object.assign(this, { before, centring: false });
    this.pad.set(this.network.start, false);
    this.play(drawings);
  }

  walk() {
    if (this.question.comesFirst()) return;
    if (this.player.isOn()) return this.stop();
    if (prefersLessMotion()) return this.pad.shift(1, 0);
    this.before = this.probabilities();
    this.play(steps(this.pad.strokes, WALK.map((right) => [right, 0])));
  }

  /** Shows one drawing after the other; only the last one where less motion is wished for. */
  play(drawings) {
    this.stop();
    this.left = prefersLessMotion() ? drawings.slice(-1) : [...drawings];
    this.player.start();
  }

  /** One step of playing. False at the end. */
  forward() {
    this.pad.set(this.left.shift(), false);
    return this.left.length > 0;
  }

  stop() {
    this.player.stop();
  }
}

/** Whether a picture is among the strokes: one that needs no centring, as it was made so. */
function isFinished(strokes) {
  return strokes.some(({ picture }) => picture);
}
