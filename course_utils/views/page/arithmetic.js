// The arithmetic of a convolutional network's forward pass, and of pooling backward, as PyTorch
// does it. Pure functions: a tensor is { shape: [C, H, W] or [n], data: in row order }, and no
// argument is changed. Sums are made in float64 and kept in float32, as torch keeps them.
import { outputSize } from "./sizes.js";

/** A tensor of zeros, or of the data given. */
export function tensor(shape, data = null) {
  const size = shape.reduce((product, side) => product * side, 1);
  return { shape: [...shape], data: data ? Float32Array.from(data) : new Float32Array(size) };
}

/** Cross-correlation as nn.Conv2d does it: x is (I, H, W), weight (O, I, h, w), bias O numbers. */
export function conv2d(x, layer) {
  const { weight, bias = null } = layer;
  const shape = convolved(x, layer);
  const area = shape[1] * shape[2];
  const out = tensor(shape);
  const sums = new Float64Array(out.data.length);
  if (bias) bias.forEach((start, o) => sums.fill(start, o * area, (o + 1) * area));
  overTaps(x, layer, (tap, { from, to, count, stride }) => {
    const factor = weight.data[tap];
    for (let end = to + count; to < end; to++, from += stride) sums[to] += factor * x.data[from];
  });
  out.data.set(sums);
  return out;
}

/** The shape of a convolution's output; a RangeError where no window fits. */
export function convolved(x, { weight, stride = [1, 1], padding = [0, 0] }) {
  const [outputs, , ...size] = weight.shape;
  return [outputs, ...fitting(x, size, stride, padding)];
}

/**
 * Calls visit(tap, { from, to, count, stride }) for each weight of a convolution, by its place in
 * weight.data, and each row of the output: it is multiplied by x.data[from], then by the one
 * `stride` further on, count of them, and each product goes to one output, out.data[to] and on.
 * What is padding is left out, so that the innermost loops run along a row and need not ask.
 */
export function overTaps(x, { weight, stride = [1, 1], padding = [0, 0] }, visit) {
  const [, height, width] = x.shape;
  const [outputs, inputs, h, w] = weight.shape;
  const [rows, columns] = fitting(x, [h, w], stride, padding);
  for (let tap = 0; tap < outputs * inputs * h * w; tap++) {
    const channel = Math.floor(tap / (h * w)) % inputs;
    const output = Math.floor(tap / (inputs * h * w));
    const dy = (Math.floor(tap / w) % h) - padding[0];
    const dx = (tap % w) - padding[1];
    const first = Math.max(0, Math.ceil(-dx / stride[1]));
    const last = Math.min(columns - 1, Math.floor((width - 1 - dx) / stride[1]));
    for (let i = 0; i < rows; i++) {
      const y = i * stride[0] + dy;
      if (y < 0 || y >= height || last < first) continue;
      const from = (channel * height + y) * width + first * stride[1] + dx;
      const to = (output * rows + i) * columns + first;
      visit(tap, { from, to, count: last - first + 1, stride: stride[1] });
    }
  }
}

/** Max pooling as nn.MaxPool2d does it; what is padded around the image never wins. */
export function maxPool2d(x, options) {
  const { shape, winners } = maxWinners(x, options);
  return tensor(shape, winners.map((winner) => x.data[winner]));
}

/** The gradient with respect to x: each output's goes to its window's winner, and adds up. */
export function maxPool2dBackward(x, gradient, options) {
  const out = tensor(x.shape);
  maxWinners(x, options).winners.forEach((winner, i) => {
    out.data[winner] += gradient.data[i];
  });
  return out;
}

/** For each output of max pooling, where its winner stands in x.data. A tie goes to the first. */
export function maxWinners(x, options) {
  const winners = [];
  const shape = overWindows(x, options, (places) => {
    let best = places[0];
    for (const place of places) {
      // As torch: only a greater one replaces the first, and a NaN always wins.
      if (x.data[place] > x.data[best] || Number.isNaN(x.data[place])) best = place;
    }
    winners.push(best);
  });
  return { shape, winners };
}

/** Average pooling as nn.AvgPool2d does it: zeros that are padded count in the mean. */
export function avgPool2d(x, options) {
  const means = [];
  const shape = overWindows(x, options, (places, counted) => {
    means.push(places.reduce((sum, place) => sum + x.data[place], 0) / counted);
  });
  return tensor(shape, means);
}

/** The gradient with respect to x: each output shares its own equally over its window. */
export function avgPool2dBackward(x, gradient, options) {
  const out = tensor(x.shape);
  let i = 0;
  overWindows(x, options, (places, counted) => {
    const share = gradient.data[i++] / counted;
    for (const place of places) out.data[place] += share;
  });
  return out;
}

/** W x + b as nn.Linear does it; x of any shape is read as one row of numbers. */
export function linear(x, { weight, bias = null }) {
  const [outputs, inputs] = weight.shape;
  if (x.data.length !== inputs) {
    throw new RangeError(`a linear layer for ${inputs} numbers was given ${x.data.length}`);
  }
  const out = tensor([outputs]);
  for (let o = 0; o < outputs; o++) {
    let sum = bias ? bias[o] : 0;
    for (let i = 0; i < inputs; i++) sum += weight.data[o * inputs + i] * x.data[i];
    out.data[o] = sum;
  }
  return out;
}

/** scale · x + shift, one pair a channel: what a batch normalisation is in eval(). */
export function affine(x, { scale, shift }) {
  const area = x.data.length / x.shape[0];
  const value = (old, i) => scale[Math.floor(i / area)] * old + shift[Math.floor(i / area)];
  return tensor(x.shape, Array.from(x.data, value));
}

/** max(x, 0); a NaN stays one. */
export function relu(x) {
  return tensor(x.shape, Array.from(x.data, (value) => (value < 0 ? 0 : value)));
}

/** Probabilities over all numbers of x, the greatest subtracted first so that none overflows. */
export function softmax(x) {
  const top = x.data.reduce((a, b) => Math.max(a, b), -Infinity);
  const powers = Array.from(x.data, (value) => Math.exp(value - top));
  const sum = powers.reduce((a, b) => a + b, 0);
  return tensor(x.shape, powers.map((power) => power / sum));
}

/** [rows, columns] of windows on x; a RangeError if not even one fits. */
function fitting(x, [h, w], stride, padding) {
  const [, height, width] = x.shape;
  const rows = outputSize(height, h, stride[0], padding[0]);
  const columns = outputSize(width, w, stride[1], padding[1]);
  if (rows < 1 || columns < 1) {
    const padded = `${height + 2 * padding[0]}×${width + 2 * padding[1]}`;
    throw new RangeError(`a ${h}×${w} window does not fit into the ${padded} (padded) image`);
  }
  return [rows, columns];
}

/**
 * Calls visit(places, counted) for each window of each channel, in row order: where its pixels
 * stand in x.data, and how many there are with the padding counted. Returns the output's shape.
 */
function overWindows(x, { size, stride = size, padding = [0, 0] }, visit) {
  const [channels] = x.shape;
  const [rows, columns] = fitting(x, size, stride, padding);
  for (let c = 0; c < channels; c++) {
    for (let i = 0; i < rows; i++) {
      const top = i * stride[0] - padding[0];
      for (let j = 0; j < columns; j++) {
        visit(placesOf(x.shape, c, top, j * stride[1] - padding[1], size), size[0] * size[1]);
      }
    }
  }
  return [channels, rows, columns];
}

/** Where the pixels of a window of one channel stand in x.data: those that are not padding. */
function placesOf([, height, width], channel, top, left, size) {
  const places = [];
  for (let y = Math.max(top, 0); y < Math.min(top + size[0], height); y++) {
    for (let x = Math.max(left, 0); x < Math.min(left + size[1], width); x++) {
      places.push((channel * height + y) * width + x);
    }
  }
  return places;
}
