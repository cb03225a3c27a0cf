// What is written below the graph, and said: the rule of a step, the sum of one number, and the
// loss before and after a step of descent.
import { bracketed } from "../numbers.js";
import { precise } from "./numbers.js";
import { STEPS, directionOf, isParameter, numberAt, traced, written } from "./steps.js";

const BEFORE = "The two weights and the bias of each hidden unit are in front of it. "
  + "The boxes show one example; [ and ] choose another.";
const NAMES = { forward: "Forward", backward: "Backward", descent: "Descent" };

// A scene is { net, after, rate, at, step, here, example, descents }: the network before and after
// a step of descent, how many steps are made, the last of them (null before the first), the place
// that is traced (or null), the example that is shown, and how many steps of descent were made.

/** The places that the traced one comes from. */
export function sources({ net, step, here }) {
  if (!here) return [];
  if (isMoved({ step, here })) return [{ ...here, name: `d${here.name}` }];
  return traced(net, here).from;
}

/** The rule of the step and the sum of the number, a line each: { strong, text }. */
export function traceLines(scene) {
  const { net, step, here, after } = scene;
  if (!step) return [{ text: here ? sum(scene) : BEFORE }];
  const [lossBefore, lossAfter] = [net, after].map(({ L }) => precise(L[0][0]));
  const loss = `. The loss goes from ${lossBefore} to ${lossAfter}.`;
  const why = `: ${step.why}${step.name === "step" ? loss : "."}`;
  return [{ strong: step.rule, text: why }, { text: sum(scene) }];
}

/** What is said after each change. */
export function sentence(scene) {
  const { net, after, at, step, here } = scene;
  if (!step) return beginning(scene);
  const place = `${NAMES[directionOf(step.name)]}, step ${at} of ${STEPS.length}`;
  const value = numberAt(isMoved(scene) ? after : net, here);
  const more = step.name === "step" ? " → goes on with the new weights." : "";
  return `${place}: ${written(here)} = ${precise(value)}.${more}`;
}

function beginning({ descents }) {
  const many = descents === 1 ? "1 step of descent has" : `${descents} steps of descent have`;
  const known = "Inputs and parameters are known. → goes forward.";
  return descents ? `${many} been taken. ${known}` : known;
}

function sum({ net, after, rate, step, here }) {
  const name = written(here);
  if (isMoved({ step, here })) {
    const slope = bracketed(numberAt(net, { ...here, name: `d${here.name}` }), precise);
    const [before, moved] = [net, after].map((one) => precise(numberAt(one, here)));
    return `${name} ← ${before} − ${precise(rate)} · ${slope} = ${moved}`;
  }
  const { text, from } = traced(net, here);
  const value = precise(numberAt(net, here));
  return from.length ? `${name} = ${text} = ${value}` : `${name} = ${value}, ${text}`;
}

/** Whether a place is a weight or a bias that a step of descent has changed. */
export function isMoved({ step, here }) {
  return step?.name === "step" && isParameter(here);
}
