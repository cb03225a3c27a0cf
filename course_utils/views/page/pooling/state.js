// The state of the pooling stepper, { x, gradient, size, stride, how }, and what follows from it.
import { avgPool2d, avgPool2dBackward, maxPool2d, maxPool2dBackward } from "../arithmetic.js";
import { maxWinners, tensor } from "../arithmetic.js";
import { asSentence, makeRows, sides } from "../numbers.js";
import { POOLING, sizeProblem, wholeProblem } from "../sizes.js";

/** Why a setting cannot be, in a sentence; "" if it can. */
export function refusal({ x, size, stride }) {
  return asSentence(
    wholeProblem(size, "window's side") || wholeProblem(stride, "stride")
      || sizeProblem(Math.min(...sides(x)), size, stride, 0, POOLING),
  );
}

/** Whether a value may lie in several windows. */
export function overlaps({ size, stride }) {
  return stride < size;
}

/** The state with a gradient of ones, if the one that it has does not fit any more. */
export function withFittingGradient(state) {
  const [, rows, columns] = pooled(state).shape;
  const [height, width] = sides(state.gradient);
  if (height === rows && width === columns) return state;
  return { ...state, gradient: makeRows(rows, columns, () => 1) };
}

/** What comes out, (1, H', W'). */
export function pooled(state) {
  const pool = state.how === "max" ? maxPool2d : avgPool2d;
  return pool(asTensor(state.x), options(state));
}

/** What goes back, (1, H, W), from the first so many outputs. */
export function gradientBack(state, count = Infinity) {
  const backward = state.how === "max" ? maxPool2dBackward : avgPool2dBackward;
  const arrived = asTensor(state.gradient);
  const data = arrived.data.map((value, n) => (n < count ? value : 0));
  return backward(asTensor(state.x), { shape: arrived.shape, data }, options(state));
}

/** For each window its winner's place in x, counted in row order. */
export function winnersOf(state) {
  return maxWinners(asTensor(state.x), options(state)).winners;
}

/** The places of a window, [row, column] each, in row order. */
export function windowOf({ size, stride }, i, j) {
  return Array.from({ length: size * size }, (_, n) => [
    i * stride + Math.floor(n / size), j * stride + (n % size),
  ]);
}

/** The places in x, counted in row order, that any window sees. */
export function seenPlaces(state) {
  const width = state.x[0].length;
  const windows = state.gradient.flatMap((row, i) => row.map((_, j) => windowOf(state, i, j)));
  return new Set(windows.flat().map(([i, j]) => i * width + j));
}

/** For each window that holds the input (y, x): its output [i, j], and what it gives back. */
export function sources(state, y, x) {
  const winners = winnersOf(state);
  const width = state.x[0].length;
  const found = [];
  state.gradient.forEach((row, i) => row.forEach((arrived, j) => {
    if (!windowOf(state, i, j).some(([a, b]) => a === y && b === x)) return;
    const won = winners[i * row.length + j] === y * width + x;
    const share = state.how === "max" ? (won ? arrived : 0) : arrived / state.size ** 2;
    found.push({ at: [i, j], arrived, won, share });
  }));
  return found;
}

/** Rows of numbers as a tensor (1, H, W). */
function asTensor(rows) {
  return tensor([1, ...sides(rows)], rows.flat());
}

function options({ size, stride }) {
  return { size: [size, size], stride: [stride, stride] };
}
