// What the replay says of a step of the training.
import { show } from "../frame.js";

const BEGIN = "No step yet: the curve grows here when the network learns.";

/** Of a step while the network learns; digits: how many there are. */
export function progress([step, loss, right], digits) {
  if (step === 0) return BEGIN;
  return `Step ${step}: loss ${lossWords(loss)}, ${right} of ${digits} digits are read rightly. `
    + "The question comes when the training has ended.";
}

/** Of a frame afterwards; predicted: the class as which the digit is read, name its name. */
export function frameWords({ step, loss, right, chances }, digits, predicted, name) {
  return `Step ${step}: loss ${lossWords(loss)}, ${right} of ${digits} read rightly; `
    + `this one is read as ${name}, probability ${chances[predicted].toFixed(4)}.`;
}

/** The scale of the filters, up to top. */
export function filterWords([count, high, wide], pooled, top) {
  return `${count} filters, ${high} \u00d7 ${wide}`
    + `${pooled ? " (means of 2 \u00d7 2 weights)" : ""}: `
    + `blue \u2212${show(top, 2)}, white 0, orange ${show(top, 2)}`;
}

function lossWords(loss) {
  return loss === null ? "too large for a number" : show(loss, 3);
}
