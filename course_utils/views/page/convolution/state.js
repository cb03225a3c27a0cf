// The state of the convolution stepper, { image, kernel, channels, stride, padding, bias, flip },
// and what follows from it. Image and kernel always have three channels; so many are in use.
import { conv2d, tensor } from "../arithmetic.js";
import { asSentence, makeRows, sides } from "../numbers.js";
import {
  CONVOLUTION, numberProblem, paddingProblem, sizeFormula, sizeProblem, wholeProblem,
} from "../sizes.js";
import { IMAGES } from "./patterns.js";

export const CHANNELS = 3;

/** The state that Python's traits make: channels that they lack are patterns to be added. */
export function stateFromTraits({ image, kernel, ...rest }) {
  const [height, width] = sides(image[0]);
  const others = Object.values(IMAGES).map((pattern) => (
    makeRows(height, width, pattern(height, width))
  ));
  const channels = image.length;
  return {
    ...rest,
    channels,
    image: structuredClone([...image, ...others.slice(channels, CHANNELS)]),
    kernel: structuredClone([...kernel, ...Array(CHANNELS - channels).fill(kernel[0])]),
  };
}

/** Why a setting cannot be, in a sentence; "" if it can. */
export function refusal({ image, kernel, stride, padding, bias }) {
  const [windows, lengths] = [sides(kernel[0]), sides(image[0])];
  const sizeProblems = lengths.map((side, axis) => (
    sizeProblem(side, windows[axis], stride, padding, CONVOLUTION)
  ));
  const problems = [
    wholeProblem(stride, "stride"),
    wholeProblem(padding, "padding", 0),
    paddingProblem(padding),
    ...sizeProblems,
    numberProblem(bias, "bias"),
  ];
  return asSentence(problems.find(Boolean) ?? "");
}

/** A kernel's slice as it is laid on the window: turned by half for a true convolution. */
export function laidOn(slice, flip) {
  return flip ? slice.map((row) => [...row].reverse()).reverse() : slice;
}

/** The output, (1, H', W'). */
export function output({ image, kernel, channels, stride, padding, bias, flip }) {
  const slices = kernel.slice(0, channels).map((slice) => laidOn(slice, flip));
  const x = tensor([channels, ...sides(image[0])], image.slice(0, channels).flat(2));
  const weight = tensor([1, channels, ...sides(kernel[0])], slices.flat(2));
  const [strides, paddings] = [[stride, stride], [padding, padding]];
  return conv2d(x, { weight, bias: [bias], stride: strides, padding: paddings });
}

/** What makes output[i, j]: for each channel rows of { pixel, weight, product }, and their sum. */
export function traced({ image, kernel, channels, stride, padding, flip }, i, j) {
  return image.slice(0, channels).map((rows, c) => {
    const terms = laidOn(kernel[c], flip).map((weights, u) => weights.map((weight, v) => {
      const pixel = rows[i * stride + u - padding]?.[j * stride + v - padding] ?? 0;
      return { pixel, weight, product: pixel * weight };
    }));
    return { terms, sum: terms.flat().reduce((sum, { product }) => sum + product, 0) };
  });
}

/** For each pixel of the padded image, whether any window sees it. */
export function seenPixels({ image, kernel, stride, padding }, [, rows, columns]) {
  const windows = sides(kernel[0]);
  const [height, width] = sides(image[0]).map((side) => side + 2 * padding);
  const isSeen = (...place) => place.every((k, axis) => {
    // The first window that reaches beyond k; does it begin before k, and is it used?
    const first = Math.max(0, Math.floor((k - windows[axis]) / stride) + 1);
    return first < [rows, columns][axis] && first * stride <= k;
  });
  return makeRows(height, width, isSeen);
}

/** Whether the window of output [i, j] sees a pixel of the padded image, [row, column] or null. */
export function sees({ kernel, stride }, pixel, i, j) {
  if (pixel === null) return false;
  const [height, width] = sides(kernel[0]);
  const [y, x] = [pixel[0] - i * stride, pixel[1] - j * stride];
  return y >= 0 && y < height && x >= 0 && x < width;
}

/** The size of the output: ⌊(6 + 2 · 0 − 3) / 1⌋ + 1 = 4, for rows and columns. */
export function sizeText({ image, kernel, stride, padding }) {
  const [[height, width], [high, wide]] = [sides(image[0]), sides(kernel[0])];
  const rows = sizeFormula(height, high, stride, padding);
  if (height === width && high === wide) return `size: ${rows}`;
  return `rows: ${rows}; columns: ${sizeFormula(width, wide, stride, padding)}`;
}
