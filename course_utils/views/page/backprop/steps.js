// The steps of one pass forward and one backward: which quantity each computes, from which numbers,
// and where all the numbers of a network stand.
//
// A place is { name, i, j }: the number net[name][i][j].
import { bracketed } from "../numbers.js";
import { PARAMETERS } from "./network.js";
import { precise } from "./numbers.js";

/** name: the quantity. rule: its formula. why: what it is, or why it is so. */
export const STEPS = [
  step("z1", "z1 = X W1 + b1", "each hidden unit adds its weighted inputs and its bias"),
  step("a1", "a1 = σ(z1)", "each sum goes through the sigmoid"),
  step("z2", "z2 = a1 W2 + b2", "the output adds the weighted hidden values and its bias"),
  step("y_hat", "ŷ = σ(z2)", "the answer of the network"),
  step("L", "L = Σ(ŷ − y)² / 2N", "half the mean squared error, over the N examples"),
  step("dy_hat", "dŷ = (ŷ − y) / N", "the slope of the loss at each answer"),
  step("dz2", "dz2 = dŷ · ŷ(1 − ŷ)", "times the slope of the output's sigmoid"),
  step("dW2", "dW2 = a1ᵀ dz2", "all examples use each weight, a fork: the paths add up"),
  step("db2", "db2 = Σ dz2", "all examples use the bias too, with 1 in place of a1"),
  step("da1", "da1 = dz2 W2ᵀ", "a hidden value is used by one output only: a single path"),
  step("dz1", "dz1 = da1 · a1(1 − a1)", "times the slope of the hidden unit's sigmoid"),
  step("dW1", "dW1 = Xᵀ dz1", "a fork over the examples again; an input of 0 adds 0"),
  step("db1", "db1 = Σ dz1", "the same, with 1 in place of the input"),
  step("dX", "dX = dz1 W1ᵀ", "an input is used by every hidden unit: a fork in the graph"),
  step("step", "W ← W − η dW, b ← b − η db", "each parameter moves against its derivative"),
];

function step(name, rule, why) {
  return { name, rule, why };
}

/** What is known before the first step. */
export const GIVEN = ["X", "y", ...PARAMETERS];

const OF_EXAMPLES = new Set(["X", "y", "z1", "a1", "z2", "y_hat"]);

/** What a quantity or a place is called: "dŷ", "dW1[0, 2]". */
export function written({ name, i, j }) {
  const plain = name.replace("y_hat", "ŷ");
  return i === undefined || name === "L" ? plain : `${plain}[${i}, ${j}]`;
}

/** The quantity itself, of a derivative: "W1" of "dW1". */
export function base(name) {
  return name.replace(/^d/, "");
}

export function isDerivative(name) {
  return name.startsWith("d");
}

export function isParameter({ name }) {
  return PARAMETERS.includes(name);
}

/** Which way a step goes. */
export function directionOf(name) {
  return name === "step" ? "descent" : isDerivative(name) ? "backward" : "forward";
}

export function isOfExamples(name) {
  return OF_EXAMPLES.has(base(name));
}

/** The node of the graph in which a number stands; examples share one. */
export function nodeOf({ name, i, j }) {
  return isOfExamples(name) ? `${base(name)} ${j}` : `${base(name)} ${i} ${j}`;
}

/** All places of a step, of one example where they are its own. */
export function placesOf(net, step, example) {
  if (step.name === "step") {
    return PARAMETERS.flatMap((name) => places(name, net[name], net[name].keys()));
  }
  const rows = net[step.name];
  return places(step.name, rows, isOfExamples(step.name) ? [example] : rows.keys());
}

/** All places of which so many steps know the numbers, of one example. */
export function knownPlaces(net, at, example) {
  const made = STEPS.slice(0, at).map(({ name }) => name).filter((name) => name !== "step");
  const ends = made.includes("dy_hat") ? ["dL"] : [];
  return [...GIVEN, ...made, ...ends].flatMap((name) => placesOf(net, { name }, example));
}

function places(name, rows, which) {
  return [...which].flatMap((i) => rows[i].map((_, j) => ({ name, i, j })));
}

/** How a number is a sum of products: its terms, each a list of places; null if it is none. */
export function termsOf(net, { name, i, j }) {
  const at = (other, row, column) => ({ name: other, i: row, j: column });
  const overExamples = (term) => net.X.map((_, n) => term(n));
  const overInputs = (term) => net.W1.map((_, k) => term(k));
  const overUnits = (term) => net.b1[0].map((_, k) => term(k));
  const terms = {
    z1: () => overInputs((k) => [at("X", i, k), at("W1", k, j)]).concat([[at("b1", 0, j)]]),
    z2: () => overUnits((k) => [at("a1", i, k), at("W2", k, 0)]).concat([[at("b2", 0, 0)]]),
    dW2: () => overExamples((n) => [at("a1", n, i), at("dz2", n, 0)]),
    db2: () => overExamples((n) => [at("dz2", n, 0)]),
    da1: () => [[at("dz2", i, 0), at("W2", j, 0)]],
    dW1: () => overExamples((n) => [at("X", n, i), at("dz1", n, j)]),
    db1: () => overExamples((n) => [at("dz1", n, j)]),
    dX: () => overUnits((k) => [at("dz1", i, k), at("W1", j, k)]),
  };
  return terms[name]?.() ?? null;
}

/** The number at a place. */
export function numberAt(net, { name, i, j }) {
  return net[name][i][j];
}

export function termValue(net, term) {
  return term.reduce((value, place) => value * numberAt(net, place), 1);
}

/**
 * How a number came about: { text, from }, the formula with its numbers, and the places that they
 * come from.
 */
export function traced(net, place) {
  const terms = termsOf(net, place);
  if (!terms) return OTHERS[place.name]?.(net, place.i, place.j) ?? { text: "given", from: [] };
  const factors = (term) => term.map((one, k) => {
    const value = numberAt(net, one);
    return k === 0 && term === terms[0] ? precise(value) : bracketed(value, precise);
  });
  return { text: terms.map((term) => factors(term).join("·")).join(" + "), from: terms.flat() };
}

/** The same for what is no sum of products. */
const OTHERS = {
  a1: (net, i, j) => ({
    text: `σ(${precise(net.z1[i][j])})`,
    from: [{ name: "z1", i, j }],
  }),
  y_hat: (net, i) => ({
    text: `σ(${precise(net.z2[i][0])})`,
    from: [{ name: "z2", i, j: 0 }],
  }),
  L: (net) => ({
    text: `(${net.y_hat.map(([answer], n) => `(${difference(answer, net.y[n][0])})²`).join(" + ")})`
      + ` / ${2 * net.y.length}`,
    from: net.y.flatMap((_, i) => [{ name: "y_hat", i, j: 0 }, { name: "y", i, j: 0 }]),
  }),
  dL: () => ({ text: "the derivative of L with respect to itself", from: [] }),
  dy_hat: (net, i) => ({
    text: `(${difference(net.y_hat[i][0], net.y[i][0])}) / ${net.y.length}`,
    from: [{ name: "y_hat", i, j: 0 }, { name: "y", i, j: 0 }, { name: "dL", i: 0, j: 0 }],
  }),
  dz2: (net, i) => throughSigmoid(net, { name: "dy_hat", i, j: 0 }, { name: "y_hat", i, j: 0 }),
  dz1: (net, i, j) => throughSigmoid(net, { name: "da1", i, j }, { name: "a1", i, j }),
};

function throughSigmoid(net, derivative, activation) {
  const a = precise(numberAt(net, activation));
  const text = `${precise(numberAt(net, derivative))} · ${a} · (1 − ${a})`;
  return { text, from: [derivative, activation] };
}

function difference(answer, target) {
  return `${precise(answer)} − ${precise(target)}`;
}
