// The sum behind one gradient: every way by which a unit, or a weight, reaches the number whose
// gradient it is, and what comes back on each. gradients is what backward() of backward.js returns.
import { maxWinners } from "./arithmetic.js";
import { isOpen } from "./backward.js";
import { place, spotOf, windowOf } from "./network.js";

/**
 * The ways from a unit of values[at] to the units of the layer above, network.layers[at]. Always
 * { kind: that layer's, value, terms: [{ unit, factor, gradient, product }] }, the largest first:
 * the unit above, what it changes by for each 1 that this one changes by, the gradient there, and
 * the product of the two; value is the sum of the products. And, where the layer above is
 * - maxPool2d: each term has won, the unit that is largest in that window;
 * - relu: input, the value that decides whether the gate is open; avgPool2d: count;
 * - softmax: no terms, but target, label, and probability of the unit's own class.
 */
export function waysUp(network, values, gradients, at, unit) {
  const layer = network.layers[at];
  const found = WAYS[layer.kind]({ layer, network, values, gradients, at, unit });
  const terms = found.terms.map(({ unit: above, factor, ...more }) => {
    const gradient = gradients.values[at + 1].data[above];
    return { unit: above, factor, gradient, product: factor * gradient, ...more };
  });
  terms.sort((a, b) => Math.abs(b.product) - Math.abs(a.product));
  return { kind: layer.kind, value: gradients.values[at].data[unit], ...found, terms };
}

export const WAYS = {
  conv2d: throughConvolution,
  linear: ({ layer: { weight }, unit }) => {
    const [outputs, inputs] = weight.shape;
    const factor = (o) => weight.data[o * inputs + unit];
    return { terms: Array.from({ length: outputs }, (_, o) => ({ unit: o, factor: factor(o) })) };
  },
  relu: ({ values, at, unit }) => {
    const input = values[at].data[unit];
    return { input, terms: [{ unit, factor: isOpen(input) ? 1 : 0 }] };
  },
  affine: ({ layer, values, at, unit }) => (
    { terms: [{ unit, factor: layer.scale[place(values[at].shape, unit).channel] }] }),
  maxPool2d: ({ layer, values, at, unit }) => {
    const { winners } = maxWinners(values[at], layer);
    const terms = windowsOver(values, at, unit, layer).map(({ unit: above }) => (
      { unit: above, factor: winners[above] === unit ? 1 : 0, won: winners[above] }));
    return { terms };
  },
  avgPool2d: ({ layer, values, at, unit }) => {
    const count = layer.size[0] * layer.size[1];
    const windows = windowsOver(values, at, unit, layer);
    return { count, terms: windows.map(({ unit: above }) => ({ unit: above, factor: 1 / count })) };
  },
  softmax: ({ values, gradients: { target, label }, at, unit }) => (
    { target, label, probability: values[at + 1].data[unit], terms: [] }),
};

function throughConvolution({ layer, values, at, unit }) {
  const { shape, data } = layer.weight;
  const [outputs, inputs, ...size] = shape;
  const { channel } = place(values[at].shape, unit);
  const area = size[0] * size[1];
  const mapArea = layer.shape[1] * layer.shape[2];
  const windows = windowsOver(values, at, unit, { ...layer, size });
  const terms = Array.from({ length: outputs }, (_, o) => windows.map(({ unit: above, tap }) => (
    { unit: o * mapArea + (above % mapArea), factor: data[(o * inputs + channel) * area + tap] })));
  return { terms: terms.flat() };
}

/**
 * The windows that a unit of values[at] is in: for each, the unit above of the unit's own channel,
 * and where the unit stands in it as tap, counted in row order.
 */
function windowsOver(values, at, unit, { size, stride, padding, shape: [, rows, columns] }) {
  const { channel, row, column } = place(values[at].shape, unit);
  const found = [];
  for (let tap = 0; tap < size[0] * size[1]; tap++) {
    const y = (row + padding[0] - Math.floor(tap / size[1])) / stride[0];
    const x = (column + padding[1] - (tap % size[1])) / stride[1];
    const exists = Number.isInteger(y) && Number.isInteger(x)
      && y >= 0 && x >= 0 && y < rows && x < columns;
    if (exists) found.push({ unit: (channel * rows + y) * columns + x, tap });
  }
  return found.sort((a, b) => a.unit - b.unit);
}

/**
 * The sum behind the gradient of one weight, weight.data[tap], of network.layers[at - 1]: one
 * product for each unit that uses it. { value, terms: [{ unit, input, gradient, product }] }, the
 * largest first; input is what the weight is multiplied by, and places that it finds padded are
 * left out.
 */
export function weightSum(network, values, gradients, at, tap) {
  const layer = network.layers[at - 1];
  const [x, above] = [values[at - 1], gradients.values[at]];
  const term = (unit, input) => {
    const gradient = above.data[unit];
    return { unit, input, gradient, product: input * gradient };
  };
  const value = gradients.weights[at].weight.data[tap];
  const { shape } = layer.weight;
  if (layer.kind === "linear") {
    return { value, terms: [term(Math.floor(tap / shape[1]), x.data[tap % shape[1]])] };
  }
  const [, inputs, ...size] = shape;
  const area = size[0] * size[1];
  const [output, channel] = [Math.floor(tap / (inputs * area)), Math.floor(tap / area) % inputs];
  const mapArea = above.shape[1] * above.shape[2];
  const terms = [];
  for (let spot = 0; spot < mapArea; spot++) {
    const { row, column } = place(above.shape, spot);
    const input = windowOf(x, channel, row, column, { ...layer, size })[tap % area];
    if (input !== null) terms.push(term(output * mapArea + spot, input));
  }
  return { value, terms: terms.sort((a, b) => Math.abs(b.product) - Math.abs(a.product)) };
}

/** The rows and columns of the layer above that a unit of values[at] is used by; null if none. */
export function usedBy(network, values, at, unit) {
  const layer = network.layers[at];
  const [, height = 1, width = 1] = layer.shape;
  if (!layer.stride) {
    const whole = { top: 0, bottom: height - 1, left: 0, right: width - 1 };
    return layer.weight ? whole : spotOf(values[at].shape, unit);
  }
  const size = layer.size ?? layer.weight.shape.slice(2);
  const windows = windowsOver(values, at, unit, { ...layer, size });
  if (!windows.length) return null;
  const places = windows.map(({ unit: above }) => place(layer.shape, above));
  const [rows, columns] = ["row", "column"].map((side) => places.map((one) => one[side]));
  return {
    top: Math.min(...rows), bottom: Math.max(...rows),
    left: Math.min(...columns), right: Math.max(...columns),
  };
}
