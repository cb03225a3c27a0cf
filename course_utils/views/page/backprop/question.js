// What is asked: before anything is computed, which parameters an example leaves as they are; and
// before the step of descent, which way the loss goes.
import { show } from "../frame.js";
import { PARAMETERS } from "./network.js";
import { termValue, termsOf } from "./steps.js";

const CHOICES = ["W1", "b1", "W1 and b1", "W2 and b2", "none"];
const BECAUSE = {
  W1: "dW1 = Xᵀ dz1, and both inputs are 0.",
  "W1 and b1": "da1 = dz2 W2ᵀ is 0, so nothing goes back to the hidden units.",
  none: "Its error goes back to all of them.",
};

/** The example that is asked about: the first whose inputs are all 0, or else the first. */
export function askedExample(net) {
  return Math.max(0, net.X.findIndex((x) => x.every((value) => value === 0)));
}

/** For `predict` of frame.js: which parameters get nothing from one example. */
export function whichGetNothing(net) {
  const n = askedExample(net);
  const x = net.X[n].map((value) => show(value, 3)).join(", ");
  const without = PARAMETERS.filter((name) => !gets(net, name, n));
  const solution = without.length ? without.join(" and ") : "none";
  return {
    question: `which parameters get no gradient from the example x = (${x})?`,
    choices: CHOICES.includes(solution) ? CHOICES : [...CHOICES, solution],
    solution,
    explain: BECAUSE[solution] ?? "",
  };
}

/** Whether an example adds anything to the derivatives of a parameter. */
function gets(net, name, n) {
  return net[name].some((row, i) => row.some((_, j) =>
    termValue(net, termsOf(net, { name: `d${name}`, i, j })[n]) !== 0));
}

/** For `predict`: where the loss goes in one step. */
export function whereTheLossGoes(before, after, rate) {
  const [lossBefore, lossAfter] = [before.L[0][0], after.L[0][0]];
  const solution = lossAfter < lossBefore ? "lower"
    : lossAfter > lossBefore ? "higher" : "the same";
  return {
    question: `the loss after one step with η = ${show(rate)}? Now it is ${show(lossBefore)}.`,
    choices: ["lower", "the same", "higher"],
    solution,
    explain: `New loss: ${show(lossAfter)}.`,
  };
}
