// The way back from a unit to the pixels: through every layer, along what added most to it.
import { place, receptiveField, shapeAt, spotOf, trace } from "../network.js";
import { TERMS } from "../sum.js";
import { indexOfMax } from "../words.js";

/**
 * The steps of that way, the unit itself first, the input last: each
 * { at, unit, tile, part, spot }, and but for the input the kind of the layer that made it; where
 * there is one, a kernel, or threads.
 *
 * part: what the unit can see of map `tile` of values[at]; spot: of that the step's own unit, which
 * adds most. kernel: { size, weights } of the convolution that made it from the next step.
 * threads: [{ at, tile, spot, product }], the inputs of a fully connected unit that add most.
 * channel: of the first convolution, the one to go into.
 */
export function pathBack(network, values, { at, unit }, channel) {
  let owner = { at, unit }; // whose field is followed: behind a fully connected layer, another's
  let chosen = network.layers[at - 1].kind === "conv2d" ? channel : null;
  const steps = [stepAt(network, at, unit)];
  for (let i = at; i > 0; i--) {
    const step = steps.at(-1);
    const layer = network.layers[i - 1];
    const found = trace(network, values, i, step.unit);
    step.kind = layer.kind;
    const shape = shapeAt(network, i - 1);
    const { unit: source, kernel } = SOURCE[layer.kind](found, layer, step, shape, chosen);
    const before = stepAt(network, i - 1, source);
    if (layer.kind === "linear" || layer.kind === "softmax") owner = { at: i - 1, unit: source };
    else before.part = receptiveField(network, owner.at, owner.unit, i - 1);
    if (kernel) step.kernel = kernel;
    if (layer.kind === "linear" && !steps.some(({ threads }) => threads)) {
      step.threads = found.terms.slice(0, TERMS).map((term) => (
        { ...stepAt(network, i - 1, term.unit), product: term.product }));
    }
    chosen = null;
    steps.push(before);
  }
  return steps;
}

/** A step at a unit of values[at], of which nothing is known but where it is. */
export function stepAt(network, at, unit) {
  const shape = shapeAt(network, at);
  const spot = spotOf(shape, unit);
  return { at, unit, tile: place(shape, unit).channel, part: spot, spot };
}

/** The unit before that adds most: its number, by a layer's kind, and the kernel if it has one. */
export const SOURCE = {
  conv2d: throughKernel,
  linear: ({ terms }) => ({ unit: terms[0].unit }),
  maxPool2d: ({ winner }, layer, step, shape) => inWindow(layer, layer.size, step, shape, winner),
  avgPool2d: ({ window }, layer, step, shape) => (
    inWindow(layer, layer.size, step, shape, strongest(window, window))),
  relu: (found, layer, { unit }) => ({ unit }),
  affine: (found, layer, { unit }) => ({ unit }),
  softmax: (found, layer, { unit }) => ({ unit }),
};

function throughKernel({ size, channels }, layer, step, shape, chosen) {
  const c = chosen ?? indexOfMax(channels.map(({ sum }) => Math.abs(sum)));
  const { window, kernel } = channels[c];
  const products = kernel.map((weight, i) => weight * (window[i] ?? 0));
  const i = strongest(products, window);
  return { ...inWindow(layer, size, step, shape, i, c), kernel: { size, weights: kernel } };
}

/** The place of the largest number, sign aside, that is not in the padding. */
function strongest(numbers, window) {
  return indexOfMax(numbers.map((number, i) => (window[i] === null ? -1 : Math.abs(number))));
}

/** The unit at the i-th place of the window that a unit sees. */
function inWindow({ stride, padding }, size, { tile, spot }, [, height, width], i, channel = tile) {
  const row = spot.top * stride[0] - padding[0] + Math.floor(i / size[1]);
  const column = spot.left * stride[1] - padding[1] + (i % size[1]);
  return { unit: (channel * height + row) * width + column };
}
