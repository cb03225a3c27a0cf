// What the pooling stepper says of the output, or of the input, that is chosen.
import { bracketed, tidy } from "../numbers.js";
import { sources, windowOf } from "./state.js";

/** One sentence; hidden: what goes back is not to be given away. */
export function sentence({ state, out, back, chosen, hidden }) {
  const [i, j] = chosen.at;
  if (chosen.kind === "input") {
    const windows = sources(state, i, j).length;
    const got = hidden ? "?" : tidy(back.data[i * state.x[0].length + j]);
    const count = windows === 1 ? "1 window" : `${windows} windows`;
    return `x[${i}, ${j}] lies in ${count} and gets dx = ${got}.`;
  }
  return `The window at row ${i * state.stride}, column ${j * state.stride} keeps `
    + `y[${i}, ${j}] = ${tidy(out.data[i * out.shape[2] + j])}.`;
}

/** The lines below: how it comes about, and what goes back. */
export function trace({ state, out, chosen, hidden, seen }) {
  if (hidden) return [];
  const lines = chosen.kind === "output"
    ? outputLines(state, out, ...chosen.at) : inputLines(state, ...chosen.at);
  if (seen.size === state.x.flat().length) return lines;
  return [...lines, "struck through: in no window, so no gradient"];
}

function outputLines(state, out, i, j) {
  const places = windowOf(state, i, j);
  const values = places.map(([a, b]) => state.x[a][b]);
  const value = tidy(out.data[i * out.shape[2] + j]);
  const arrived = state.gradient[i][j];
  if (state.how === "average") {
    const sum = values.map((value) => bracketed(value)).join(" + ");
    const count = values.length;
    return [
      `y[${i}, ${j}] = (${sum}) / ${count} = ${value}`,
      `dy[${i}, ${j}] = ${tidy(arrived)} is shared: each of the ${count} gets `
        + `${tidy(arrived)} / ${count} = ${tidy(arrived / count)}`,
    ];
  }
  const winner = places[values.indexOf(Math.max(...values))];
  const tied = values.filter((one) => one === Math.max(...values)).length;
  const rule = tied === 1 ? ""
    : ` · ${tied} values are tied: the first in row order wins, as in torch`;
  return [
    `y[${i}, ${j}] = max(${values.map(tidy).join(", ")}) = ${value}`,
    `dy[${i}, ${j}] = ${tidy(arrived)} goes to the winner, x[${winner.join(", ")}], alone${rule}`,
  ];
}

function inputLines(state, i, j) {
  const windows = sources(state, i, j);
  const [x, dx] = [`x[${i}, ${j}]`, `dx[${i}, ${j}]`];
  if (windows.length === 0) return [`${x} is in no window: no y depends on it, ${dx} = 0`];
  const isMax = state.how === "max";
  const giving = isMax ? windows.filter(({ won }) => won) : windows;
  const lies = `${x} lies in ${windows.length === 1 ? "the window" : "the windows"} of `
    + outputs(windows);
  if (giving.length === 0) return [`${lies}, and wins none of them`, `${dx} = 0`];
  const terms = giving.map(({ arrived }) => (
    isMax ? bracketed(arrived) : `${bracketed(arrived)}/${state.size ** 2}`
  ));
  const sum = giving.reduce((total, { share }) => total + share, 0);
  const some = giving.length === windows.length ? "" : `${giving.length} of them: `;
  const wins = isMax ? `, and wins ${some}${outputs(giving)}` : "";
  return [lies + wins, `${dx} = ${terms.join(" + ")} = ${tidy(sum)}`];
}

/** "y[0, 0], y[0, 1]" */
function outputs(windows) {
  return windows.map(({ at }) => `y[${at.join(", ")}]`).join(", ");
}
