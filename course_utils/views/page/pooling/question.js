// The question of the pooling stepper, which depends on its state: which inputs get a gradient,
// how many and how much, or, where windows overlap, how much does one of them get.
import { h, predict } from "../frame.js";
import { overlaps, sources } from "./state.js";

/**
 * The question about what goes back (its data): { kind, hint }, kind "which", "how much" or "one
 * input", with wanted, the inputs to be marked, or for `predict` text, solution and tolerance, and
 * for one input at, its place.
 */
export function questionAbout(state, back) {
  const given = back.filter((value) => value !== 0);
  const equal = given.length > 0 && given.every((value) => value === given[0]);
  if (overlaps(state)) return oneInput(state, back);
  if (state.how === "max") return whichInputs(back);
  return equal ? howMuch(state, given) : oneInput(state, back);
}

function whichInputs(back) {
  return {
    kind: "which",
    wanted: back.flatMap((value, n) => (value === 0 ? [] : [n])),
    all: back.length,
    hint: "Click an input to mark it, or to take the mark away.",
  };
}

function howMuch({ how }, given) {
  return {
    kind: "how much",
    text: `through ${how} pooling, how many inputs get a gradient, `
      + "and how much does each? (two numbers)",
    solution: [given.length, given[0]],
    tolerance: 0.005,
    hint: "What goes back is hidden until you answer or skip.",
  };
}

/** About the input that gets most from several windows. */
function oneInput(state, back) {
  const width = state.x[0].length;
  const weight = (n) => {
    const windows = sources(state, Math.floor(n / width), n % width);
    return windows.length + windows.filter(({ share }) => share !== 0).length;
  };
  const best = back.map((_, n) => n).reduce((a, b) => (weight(b) > weight(a) ? b : a));
  const at = [Math.floor(best / width), best % width];
  return {
    kind: "one input",
    at,
    text: `through ${state.how} pooling, which gradient does the framed x[${at.join(", ")}] get?`,
    solution: [back[best]],
    tolerance: 0.01,
    hint: "It lies in every window that is framed in y; dy says what arrives there.",
  };
}

/** The question as an element; marks() are the inputs marked so far, done() follows an answer. */
export function questionElement(question, marks, done) {
  if (question.kind === "which") return toBeMarked(question, marks, done);
  const { text, solution, tolerance } = question;
  return predict({ question: text, solution, tolerance }, done);
}

/** Which inputs get a gradient? Answered by clicking them. */
function toBeMarked({ wanted, all }, marks, done) {
  const verdict = h("span", { class: "view-verdict", role: "status" });
  const answer = h("button", { onclick: () => finish(true) }, "answer");
  const skip = h("button", { class: "view-skip", onclick: () => finish(false) }, "skip");
  function finish(given) {
    answer.hidden = skip.hidden = true;
    const words = given ? judged(wanted, marks()) : "Skipped.";
    verdict.textContent = ` ${words} ${wanted.length} of ${all}: the largest of each window `
      + "(of equals the first) to which a gradient comes.";
    done();
  }
  return h("p", { class: "view-predict" }, h("b", {}, "Predict: "),
    "which inputs get a gradient through max pooling? Click them in x, or press Enter. ",
    answer, skip, verdict);
}

function judged(wanted, marks) {
  const right = marks.size === wanted.length && wanted.every((n) => marks.has(n));
  return right ? "✓ Right," : `✗ You marked ${marks.size}. It is`;
}
