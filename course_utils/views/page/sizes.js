// How many places a window has along a side, and in which words a view refuses a setting: the rules
// and the words of sizes.py, to which a test holds them.

/** The largest number that is shown, or taken, sign aside. */
export const LARGEST = 9999;
/** So many rings of zeros have room around an image. */
export const LARGEST_PADDING = 2;

/** What a view calls the window, what it lies on, and the numbers there. */
export const CONVOLUTION = { window: "kernel", field: "image", values: "pixels", padded: true };
export const POOLING = { window: "window", field: "map", values: "values", padded: false };

/** How often a window fits along a side: what is left over is dropped (floor), as torch does. */
export function outputSize(side, window, stride = 1, padding = 0) {
  return Math.floor((side + 2 * padding - window) / stride) + 1;
}

/** The same with its numbers: "⌊(6 + 2 · 0 − 3) / 1⌋ + 1 = 4". */
export function sizeFormula(side, window, stride, padding) {
  return `⌊(${side} + 2 · ${padding} − ${window}) / ${stride}⌋ + 1 = `
    + outputSize(side, window, stride, padding);
}

/** Why a window has no place along a side, without a full stop; "" if it has one. */
function windowProblem(side, window, padding, words) {
  if (window <= side + 2 * padding) return "";
  return `a ${words.window} of ${window} does not fit into ${length(side, padding, words)}`;
}

/** Why a stride is too large for a side, without a full stop; "" if it is not. */
function strideProblem(side, stride, padding, words) {
  if (stride <= side + 2 * padding) return "";
  return `a stride of ${stride} is larger than the ${words.field}, ${length(side, padding, words)}`;
}

/** The first of the two; "" if a window has its places, one stride apart. */
export function sizeProblem(side, window, stride, padding, words) {
  return windowProblem(side, window, padding, words) || strideProblem(side, stride, padding, words);
}

/** Why a setting is no whole number from so much on, without a full stop; "" if it is one. */
export function wholeProblem(value, name, atLeast = 1) {
  if (Number.isInteger(value) && value >= atLeast) return "";
  return `the ${name} is ${written(value)}; it has to be a whole number, at least ${atLeast}`;
}

/** Why a padding has no room around an image, without a full stop; "" if it has. */
export function paddingProblem(padding) {
  if (padding <= LARGEST_PADDING) return "";
  return `the padding is ${padding}; up to ${LARGEST_PADDING} can be shown`;
}

/** Why a value is no number that can be shown, without a full stop; "" if it is one. */
export function numberProblem(value, name) {
  if (Math.abs(value) <= LARGEST) return "";
  return `the ${name} is ${written(value)}; it has to be a number from −${LARGEST} to ${LARGEST}`;
}

/** A number as people write it; what is none, or none yet, is NaN. */
function written(value) {
  return Number.isNaN(value) ? "not a number" : String(value).replaceAll("-", "−");
}

/** How long a side is: "6 + 2 · 1 = 8 pixels", or "4 values". */
function length(side, padding, { values, padded }) {
  if (!padded) return `${side} ${values}`;
  return `${side} + 2 · ${padding} = ${side + 2 * padding} ${values}`;
}
