// A network in the page: read from its description, run, and asked for the sum behind any unit.
// A unit is named by its place in a layer's values, counted in row order.

import { conv2d, linear, maxPool2d, avgPool2d, relu, affine, softmax } from "./arithmetic.js";
import { tensor, maxWinners } from "./arithmetic.js";

/** By a layer's kind, (x, layer) → what it makes of x. */
export const FORWARD = { conv2d, linear, maxPool2d, avgPool2d, relu, affine, softmax };

/** The network of course_utils.views.xray.describe, its base64 numbers decoded, and a softmax. */
export function readNetwork(description) {
  const layers = description.layers.map((layer) => ({
    ...layer,
    weight: layer.weight && { shape: layer.weight.shape, data: floats(layer.weight.data) },
    bias: layer.bias && floats(layer.bias),
    scale: layer.scale && floats(layer.scale),
    shift: layer.shift && floats(layer.shift),
  }));
  const last = layers[layers.length - 1];
  layers.push({ kind: "softmax", name: "softmax", shape: last.shape });
  return { ...description, layers };
}

/** The float32 numbers of a base64 text, little-endian. */
function floats(base64) {
  const bytes = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
  return new Float32Array(bytes.buffer);
}

/** What black and white are as inputs of the network. */
export function inkRange({ mean, std }) {
  return [0, 1].map((ink) => (ink - mean) / std);
}

/** What the network is given for a picture of 28×28 bytes: padded with black, then scaled. */
export function toInput(bytes, { input, pad, mean, std }) {
  const x = tensor(input);
  const side = input[2];
  x.data.fill(-mean / std);
  for (let i = 0; i < bytes.length; i++) {
    const place = (Math.floor(i / 28) + pad) * side + (i % 28) + pad;
    x.data[place] = (bytes[i] / 255 - mean) / std;
  }
  return x;
}

/** [input, what each layer makes of it, …, probabilities]: one more than there are layers. */
export function activations(network, x) {
  const values = [x];
  for (const layer of network.layers) {
    values.push(FORWARD[layer.kind](values[values.length - 1], layer));
  }
  return values;
}

/** The shape of values[at]: of the input, or of what a layer puts out. */
export function shapeAt(network, at) {
  return at === 0 ? network.input : network.layers[at - 1].shape;
}

/** The channel, row and column of a unit in values of this shape. */
export function place(shape, unit) {
  if (shape.length === 1) return { channel: unit, row: 0, column: 0 };
  const [, height, width] = shape;
  return {
    channel: Math.floor(unit / (height * width)),
    row: Math.floor(unit / width) % height,
    column: unit % width,
  };
}

/** The part of its map that a unit is: { top, bottom, left, right }, as receptiveField() has it. */
export function spotOf(shape, unit) {
  const { row, column } = place(shape, unit);
  return { top: row, bottom: row, left: column, right: column };
}

/**
 * The sum that made one unit: values[at] is what network.layers[at - 1] put out. Always
 * { kind, value }, and
 * - conv2d: bias, size, channels [{ window, kernel, sum }]; a window has null where it is padded;
 * - pooling: size, window; winner, its place in the window, or count, what the sum is divided by;
 * - linear: bias, terms [{ unit, input, weight, product }], the largest first;
 * - relu and affine: input, and scale and shift; softmax: input, powers (the sum of all).
 */
export function trace(network, values, at, unit) {
  const layer = network.layers[at - 1];
  const found = TRACE[layer.kind](layer, values[at - 1], place(values[at].shape, unit), unit);
  return { kind: layer.kind, value: values[at].data[unit], ...found };
}

export const TRACE = {
  conv2d: traceConvolution,
  linear: traceLinear,
  maxPool2d: tracePooling,
  avgPool2d: tracePooling,
  relu: (layer, x, where, unit) => ({ input: x.data[unit] }),
  affine: (layer, x, { channel }, unit) => ({
    input: x.data[unit], scale: layer.scale[channel], shift: layer.shift[channel],
  }),
  softmax: (layer, x, where, unit) => ({
    input: x.data[unit], powers: x.data.reduce((sum, z) => sum + Math.exp(z), 0),
  }),
};

function traceConvolution({ weight, bias, stride, padding }, x, { channel, row, column }) {
  const [, inputs, ...size] = weight.shape;
  const area = size[0] * size[1];
  const channels = Array.from({ length: inputs }, (_, c) => {
    const window = windowOf(x, c, row, column, { size, stride, padding });
    const from = (channel * inputs + c) * area;
    const kernel = Array.from(weight.data.subarray(from, from + area));
    const sum = kernel.reduce((total, factor, i) => total + factor * (window[i] ?? 0), 0);
    return { window, kernel, sum };
  });
  return { size, channels, bias: bias ? bias[channel] : 0 };
}

/** What a window sees of one channel, row by row; null where it reaches into the padding. */
export function windowOf(x, channel, row, column, { size, stride, padding }) {
  const [, height, width] = x.shape;
  return Array.from({ length: size[0] * size[1] }, (_, i) => {
    const y = row * stride[0] - padding[0] + Math.floor(i / size[1]);
    const across = column * stride[1] - padding[1] + (i % size[1]);
    const inside = y >= 0 && y < height && across >= 0 && across < width;
    return inside ? x.data[(channel * height + y) * width + across] : null;
  });
}

function tracePooling(layer, x, { channel, row, column }, unit) {
  const window = windowOf(x, channel, row, column, layer);
  if (layer.kind === "avgPool2d") return { size: layer.size, window, count: window.length };
  const [, height, width] = x.shape;
  const won = maxWinners(x, layer).winners[unit];
  const y = (Math.floor(won / width) % height) - (row * layer.stride[0] - layer.padding[0]);
  const across = (won % width) - (column * layer.stride[1] - layer.padding[1]);
  return { size: layer.size, window, winner: y * layer.size[1] + across };
}

function traceLinear({ weight, bias }, x, where, unit) {
  const inputs = weight.shape[1];
  const terms = Array.from({ length: inputs }, (_, i) => {
    const factor = weight.data[unit * inputs + i];
    return { unit: i, input: x.data[i], weight: factor, product: factor * x.data[i] };
  });
  terms.sort((a, b) => Math.abs(b.product) - Math.abs(a.product));
  return { terms, bias: bias ? bias[unit] : 0 };
}

/**
 * The part of values[to] that a unit of values[at] can see: { top, bottom, left, right }, the
 * last row and column included. to = 0 is the input: the receptive field.
 */
export function receptiveField(network, at, unit, to = 0) {
  let field = spotOf(shapeAt(network, at), unit);
  for (let i = at; i > to; i--) {
    const { kind, weight, size, stride, padding } = network.layers[i - 1];
    const [, height, width] = shapeAt(network, i - 1);
    if (kind === "linear" || kind === "softmax") {
      field = { top: 0, bottom: (height ?? 1) - 1, left: 0, right: (width ?? 1) - 1 };
    } else if (stride) {
      const [h, w] = size ?? weight.shape.slice(2);
      field = {
        top: Math.max(0, field.top * stride[0] - padding[0]),
        bottom: Math.min(height, field.bottom * stride[0] - padding[0] + h) - 1,
        left: Math.max(0, field.left * stride[1] - padding[1]),
        right: Math.min(width, field.right * stride[1] - padding[1] + w) - 1,
      };
    }
  }
  return field;
}
