// A network's backward pass in the page: the gradient of one number, a loss or a logit, with
// respect to all that it was computed from, as PyTorch's autograd finds it. Pure functions on the
// tensors of arithmetic.js; sums are made in float64 and kept in float32.
import { avgPool2dBackward, convolved, maxPool2dBackward, overTaps, tensor } from "./arithmetic.js";

/** For each kind of layer: (x, gradient of its output, layer) → { input, weight, bias }. */
export const BACKWARD = {
  conv2d: conv2dBackward,
  linear: linearBackward,
  relu: (x, gradient) => ({ input: reluBackward(x, gradient) }),
  affine: (x, gradient, layer) => ({ input: affineBackward(x, gradient, layer) }),
  maxPool2d: (x, gradient, layer) => ({ input: maxPool2dBackward(x, gradient, layer) }),
  avgPool2d: (x, gradient, layer) => ({ input: avgPool2dBackward(x, gradient, layer) }),
};

/**
 * The gradients of what is asked for, { target: "loss" or "logit", label: k }: the cross-entropy
 * loss for class k, or the logit of class k. values: what activations() of network.js returns.
 *
 * Returns { target, label, values, weights }. values[at] is the gradient of values[at], from the
 * input to the logits (the probabilities have none here: the loss and they go back in one step);
 * weights[at] = { weight, bias } of network.layers[at - 1], null where it has no weights that are
 * learned by gradients. Batch normalisation is a fixed factor and shift here.
 *
 * A RangeError for a class that is not there, for values that are not finite, or for a layer that
 * has no backward here, which it names.
 */
export function backward(network, values, { target, label }) {
  if (!values.at(-1).data.every(Number.isFinite)) {
    throw new RangeError("the network gives NaN or infinite values, which have no gradient");
  }
  const last = network.layers.length - 1;
  const gradients = { target, label, values: Array(last + 1), weights: Array(last + 1).fill(null) };
  gradients.values[last] = logitGradient(values[last + 1], target, label);
  for (let at = last; at > 0; at--) {
    const layer = network.layers[at - 1];
    if (!BACKWARD[layer.kind]) {
      throw new RangeError(`${layer.name}: no gradient can be traced through this kind of layer`);
    }
    const found = BACKWARD[layer.kind](values[at - 1], gradients.values[at], layer);
    gradients.values[at - 1] = found.input;
    if (found.weight) gradients.weights[at] = { weight: found.weight, bias: found.bias };
  }
  return gradients;
}

/** p − y for the loss, and 1 at one place for a logit. */
function logitGradient(probabilities, target, label) {
  const count = probabilities.data.length;
  if (!Number.isInteger(label) || label < 0 || label >= count) {
    throw new RangeError(`there is no class ${label}: they are numbered from 0 to ${count - 1}`);
  }
  const gradient = tensor(probabilities.shape, target === "loss" ? probabilities.data : null);
  gradient.data[label] += target === "loss" ? -1 : 1;
  return gradient;
}

/** −ln p of a class, as F.cross_entropy has it: from the logits, so that it cannot overflow. */
export function crossEntropy(logits, label) {
  const top = logits.data.reduce((a, b) => Math.max(a, b), -Infinity);
  const powers = logits.data.reduce((sum, z) => sum + Math.exp(z - top), 0);
  return Math.log(powers) + top - logits.data[label];
}

/** The gradients of a convolution, with respect to x, its weights and its bias. */
export function conv2dBackward(x, gradient, layer) {
  const { weight } = layer;
  const area = gradient.data.length / convolved(x, layer)[0];
  const [toInput, toWeight] = [x, weight].map(({ data }) => new Float64Array(data.length));
  overTaps(x, layer, (tap, { from, to, count, stride }) => {
    const factor = weight.data[tap];
    let sum = 0;
    for (let end = to + count; to < end; to++, from += stride) {
      toInput[from] += factor * gradient.data[to];
      sum += x.data[from] * gradient.data[to];
    }
    toWeight[tap] += sum;
  });
  const bias = Array.from({ length: weight.shape[0] }, (_, o) => (
    gradient.data.subarray(o * area, (o + 1) * area).reduce((sum, g) => sum + g, 0)));
  return {
    input: tensor(x.shape, toInput),
    weight: tensor(weight.shape, toWeight),
    bias: tensor([weight.shape[0]], bias),
  };
}

/** The gradients of W x + b: Wᵀ g for x, g xᵀ for W, and g for b. */
export function linearBackward(x, gradient, { weight }) {
  const [outputs, inputs] = weight.shape;
  const toInput = new Float64Array(inputs);
  const toWeight = tensor(weight.shape);
  for (let o = 0; o < outputs; o++) {
    const g = gradient.data[o];
    for (let i = 0; i < inputs; i++) {
      toInput[i] += weight.data[o * inputs + i] * g;
      toWeight.data[o * inputs + i] = x.data[i] * g;
    }
  }
  return { input: tensor(x.shape, toInput), weight: toWeight, bias: gradient };
}

/** Whether ReLU lets the gradient of a value through. At 0 it does not, as in PyTorch. */
export function isOpen(value) {
  return !(value <= 0);
}

function reluBackward(x, gradient) {
  return tensor(x.shape, Array.from(gradient.data, (g, i) => (isOpen(x.data[i]) ? g : 0)));
}

function affineBackward(x, gradient, { scale }) {
  const area = x.data.length / x.shape[0];
  return tensor(x.shape, Array.from(gradient.data, (g, i) => scale[Math.floor(i / area)] * g));
}

// --- what gradients are used for -----------------------------------------------------------------

/** The network after one step of gradient descent: each weight and bias less rate · gradient. */
export function stepped(network, { weights }, rate) {
  const less = (data, gradient) => data.map((value, i) => value - rate * gradient.data[i]);
  const layers = network.layers.map((layer, i) => {
    const gradient = weights[i + 1];
    if (!gradient) return layer;
    const weight = { ...layer.weight, data: less(layer.weight.data, gradient.weight) };
    return { ...layer, weight, bias: layer.bias && less(layer.bias, gradient.bias) };
  });
  return { ...network, layers };
}

/**
 * The fast gradient sign method (Goodfellow et al. 2015, section 4): each pixel of x moves by
 * epsilon to where the number grows whose gradient this is, and stays between low and top.
 */
export function nudged(x, gradient, epsilon, [low, top]) {
  const moved = x.data.map((value, i) => (
    Math.min(top, Math.max(low, value + epsilon * Math.sign(gradient.data[i])))));
  return { ...x, data: moved };
}

/**
 * The same network before any training: weights and biases evenly between ±1/√n, n the inputs of
 * a unit, as nn.Conv2d and nn.Linear draw them. Always the same ones for a seed.
 */
export function untrained(network, seed = 0) {
  const draw = generator(seed);
  const layers = network.layers.map((layer) => {
    if (layer.kind === "affine") {
      return { ...layer, scale: layer.scale.map(() => 1), shift: layer.shift.map(() => 0) };
    }
    if (!layer.weight) return layer;
    const { shape, data } = layer.weight;
    const bound = 1 / Math.sqrt(data.length / shape[0]);
    const drawn = () => bound * (2 * draw() - 1);
    return { ...layer, weight: { shape, data: data.map(drawn) }, bias: layer.bias?.map(drawn) };
  });
  return { ...network, layers };
}

/** Numbers from 0 to 1 by the rule called mulberry32, always the same ones for a seed. */
function generator(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
