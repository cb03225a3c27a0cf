// What the steppers share with Python: numbers that either may change, and the other is told of.
import { ANSWER_FIRST } from "./frame.js";

/**
 * A view of numbers that Python has as traits of the same names. Each kind has a `view` (see
 * frame.js), a `play` (see player.js), and
 *
 * - traits(), the numbers as Python has them;
 * - receiveTraits(), which shows those that Python has set;
 * - restore(start), which shows, and sends, those of the beginning.
 */
export class Linked {
  question = null; // that is open: the settings stay until it is answered, or skipped
  isSending = false; // what is heard from Python meanwhile is an echo

  constructor(model, names = Object.keys(model.get("start"))) {
    Object.assign(this, { model, names });
  }

  /** Listen to Python. Returns what ends it. */
  listen() {
    const receive = () => this.isSending || this.receiveTraits();
    for (const name of this.names) this.model.on(`change:${name}`, receive);
    return () => {
      this.play.stop();
      for (const name of this.names) this.model.off(`change:${name}`, receive);
    };
  }

  sendTraits() {
    this.isSending = true;
    for (const [name, value] of Object.entries(this.traits())) this.model.set(name, value);
    this.model.save_changes();
    this.isSending = false;
  }

  /** Whether the settings may change; as long as a question is open they may not. */
  isFree() {
    if (this.question) this.view.say(ANSWER_FIRST);
    return !this.question;
  }

  reset() {
    if (!this.isFree()) return;
    this.play.stop();
    this.restore(this.model.get("start"));
    this.view.say("Everything is as it was at the beginning.");
  }
}
