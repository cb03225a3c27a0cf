// What the X-ray says: the names of units, the fields that they see, and how the question ends.
import { place, receptiveField } from "./network.js";

/** A unit's full name: "conv 2, map 5, row 9, column 9". */
export function unitName(network, at, unit) {
  if (at === 0) return `pixel in row ${place(network.input, unit).row}, `
    + `column ${place(network.input, unit).column}`;
  const { name, shape } = network.layers[at - 1];
  if (at === network.layers.length) return `probability of ${network.classes[unit]}`;
  if (shape.length === 1) return `${name}, unit ${unit}`;
  const { channel, row, column } = place(shape, unit);
  return `${name}, map ${channel}, row ${row}, column ${column}`;
}

/** Its short name, as an input of the layer after it: "map 5 (9, 9)". */
export function shortName(shape, unit) {
  const { channel, row, column } = place(shape, unit);
  if (shape.length === 1) return `unit ${unit}`;
  return shape[0] === 1 ? `(${row}, ${column})` : `map ${channel} (${row}, ${column})`;
}

/** "14 × 14 pixels" */
export function fieldSize(network, at, unit) {
  const { top, bottom, left, right } = receptiveField(network, at, unit);
  const [high, wide] = [bottom - top + 1, right - left + 1];
  const whole = high === network.input[1] && wide === network.input[2];
  return whole ? "the whole input" : `${high} \u00d7 ${wide} pixels`;
}

/** "14 × 14 pixels of the input: rows 18–31, columns 18–31" */
export function fieldWords(network, at, unit) {
  const { top, bottom, left, right } = receptiveField(network, at, unit);
  const size = fieldSize(network, at, unit);
  if (size.startsWith("the")) return size;
  return `${size} of the input: rows ${top}\u2013${bottom}, columns ${left}\u2013${right}`;
}

/** "It reads 7, probability 0.9975" */
export function reading(network, p) {
  const likeliest = indexOfMax(p);
  return `It reads ${network.classes[likeliest]}, probability ${p[likeliest].toFixed(4)}`;
}

/**
 * What is read once the probabilities have gone from before to after: { solution, explain }.
 */
export function readAfter(network, before, after) {
  const [classBefore, classAfter] = [indexOfMax(before), indexOfMax(after)];
  const [from, to] = [before, after].map((chances) => chances[classBefore].toFixed(4));
  const solution = network.classes[classAfter];
  if (classBefore === classAfter) {
    return { solution, explain: `It still reads ${solution}: ${from}, then ${to}.` };
  }
  return {
    solution,
    explain: `It reads ${solution}, probability ${after[classAfter].toFixed(4)}; `
      + `${network.classes[classBefore]} falls from ${from} to ${to}. Switch centring on (C).`,
  };
}

export function indexOfMax(values) {
  return values.reduce((best, value, i) => (value > values[best] ? i : best), 0);
}
