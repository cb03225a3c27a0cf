// What the X-ray shows when it looks backward: the gradients as maps, and the sum behind one.
//
// A scene is that of picture.js, and gradients: what backward() of backward.js returns.
import { h, show } from "../frame.js";
import { largest } from "../maps.js";
import { place, shapeAt } from "../network.js";
import { bracketed } from "../numbers.js";
import { formula, grid, own } from "../sum.js";
import { usedBy, waysUp, weightSum } from "../ways.js";
import { shortName, unitName } from "../words.js";
import { stepAt } from "./path.js";

/** So many of the ways up are shown, the strongest. */
const MOST = 3;

/** The maps of the gradients, from the input to the logits, as picture() of picture.js has them. */
export function gradientMaps({ values, gradients }) {
  return gradients.values.map(({ data }, at) => {
    const { top, label } = scaleEnd(largest(data));
    const title = `gradient: blue \u2212${show(top)}, orange ${show(top)}`;
    const words = (unit) => (
      `gradient ${small(data[unit], 3)}, value ${show(values[at].data[unit], 3)}`);
    return { data, low: -top, top, scale: "signed", title, label: `\u00b1${label}`, words };
  });
}

/** Where a scale with room for a number ends, the next one of one digit; and its short name. */
function scaleEnd(number) {
  const up = Math.ceil(number / 10 ** Math.floor(Math.log10(number)) - 1e-9);
  const exponent = Math.floor(Math.log10(number)) + (up === 10 ? 1 : 0);
  const digit = up === 10 ? 1 : up;
  const top = digit * 10 ** exponent;
  return { top, label: exponent < -2 ? `${digit}e\u2212${-exponent}` : show(top, 1) };
}

/** A gradient, which may be small: so many digits, and not many zeros before them. */
function small(value, digits = 4) {
  if (value === 0 || !(Math.abs(value) < 1e-3)) return show(value, digits);
  return value.toExponential(digits - 1).replaceAll("-", "\u2212");
}

/** The unit whose gradient is meant: a probability has none of its own here, but its logit's. */
export function unitWithGradient(network, { at, unit }) {
  return { at: Math.min(at, network.layers.length - 1), unit };
}

/** What is said of a unit's gradient. */
export function gradientWords({ network, values, gradients, chosen }) {
  const { at, unit } = unitWithGradient(network, chosen);
  const { value, terms } = waysUp(network, values, gradients, at, unit);
  const open = terms.filter(({ product }) => product !== 0).length;
  const ways = at === network.layers.length - 1 ? "where the backward pass begins"
    : `by ${open} of ${terms.length} ${terms.length === 1 ? "path" : "paths"} to `
      + network.layers[at].name;
  return `${unitName(network, at, unit)}: gradient ${small(value)}, ${ways}.`;
}

/** The sum behind the gradient of the unit that is chosen, as sumPicture() of picture.js has it. */
export function gradientSum(scene) {
  const { network, values, gradients, chosen, channel, listing, pick } = scene;
  if (!gradients || !chosen) return null;
  const { at, unit } = unitWithGradient(network, chosen);
  const found = waysUp(network, values, gradients, at, unit);
  const names = (above) => shortName(network.layers[at].shape, above);
  const value = small(values[at].data[unit]);
  return {
    name: `${at ? network.layers[at - 1].name : "input"}, ${shortName(values[at].shape, unit)}`,
    value: `gradient = ${small(found.value)}`,
    sees: `value ${value}`,
    rows: rowsOf(scene, { at, unit, channel, pick, names }, found),
    numbers: allWays(found, names),
    listing,
    bar: at === network.layers.length - 1 ? unit : null,
    marks: marksOf(network, values, { at, unit }, found),
    steps: pathOf(network, values, gradients, { at, unit }),
  };
}

/** The ways up, and beside them the weights of the unit itself. */
function rowsOf(scene, { at, unit, channel, pick, names }, found) {
  const ways = waysRows(found, scene.network, at, unit, names);
  const { grids, words } = weightRows(scene, { at, unit, channel, pick });
  const isTable = (node) => node.tagName === "TABLE";
  const [tables, sentences] = [ways.filter(isTable), ways.filter((node) => !isTable(node))];
  const beside = h("div", { class: "sum-words gradient-words" }, sentences, words);
  return [...tables, ...grids, beside];
}

// --- the ways up -----------------------------------------------------------------------------

/** What the layer above does with a gradient, in a sentence. */
export const RULE = {
  conv2d: (found, above) => `Back from ${above}: each weight \u00d7 the gradient at its other end.`,
  linear: (found, above) => `Back from ${above}: each weight \u00d7 the gradient at its other end.`,
  affine: (found, above) => `Back from ${above}: its factor \u00d7 the gradient there`,
  avgPool2d: ({ count }, above) => `${above} passes the same share to each of its ${count} places`,
  relu: ({ input, terms: [{ factor }] }, above) => (factor
    ? `The gate of ${above} is open, since ${small(input)} > 0`
    : `The gate of ${above} is closed, since ${small(input)} \u2264 0`),
  maxPool2d: ({ terms }, above) => (terms.some(({ factor }) => factor)
    ? `It won in ${above}, and gets the whole gradient`
    : `It won no window of ${above}, and gets no gradient`),
};

function waysRows(found, network, at, unit, names) {
  if (found.kind === "softmax") return [formula(startOf(found, network, unit))];
  const rule = RULE[found.kind](found, network.layers[at].name);
  const products = found.terms.map(({ factor, gradient }) => (
    `${small(factor, 3)} \u00d7 ${bracketed(gradient, (g) => small(g, 3))}`));
  if (found.terms.length === 1) {
    const [{ won, factor }] = found.terms;
    const winner = won === undefined || factor ? "" : `; ${placeName(network, at, won)} won`;
    return [h("p", {}, `${rule}${winner}: ${products[0]}`)];
  }
  const lines = found.terms.slice(0, MOST).map(({ unit: to, product, won, factor }, i) => line(
    won === undefined || factor ? names(to) : `${names(to)}, won by ${placeName(network, at, won)}`,
    products[i], product));
  if (found.terms.length > MOST) {
    const rest = found.terms.slice(MOST).reduce((sum, { product }) => sum + product, 0);
    lines.push(line(`${found.terms.length - MOST} others`, "", rest));
  }
  return [h("table", { class: "sum-terms" }, lines), h("p", {}, rule)];
}

function line(name, product, value) {
  return h("tr", {}, h("td", {}, name), h("td", {}, product),
    h("td", { class: "sum-number" }, small(value, 4)));
}

function placeName(network, at, unit) {
  const { row, column } = place(shapeAt(network, at), unit);
  return `(${row}, ${column})`;
}

/** p − y, or 1 and 0. */
function startOf({ target, label, probability, value }, { classes }, unit) {
  if (target === "logit") {
    const whose = unit === label ? "itself" : "of another class";
    return `\u2202 logit of ${classes[label]} / \u2202 the logit ${whose} = ${small(value)}`;
  }
  return `p \u2212 y = ${small(probability)} \u2212 ${unit === label ? 1 : 0} = ${small(value)}`;
}

/** All the ways as a table, its heading first; null where there are only few. */
function allWays({ terms }, names) {
  if (terms.length <= MOST) return null;
  const rows = terms.map(({ unit, factor, gradient, product }) => (
    [names(unit), small(factor, 6), small(gradient, 6), small(product, 6)]));
  return [["to", "factor", "gradient there", "product"], ...rows];
}

// --- the weights -----------------------------------------------------------------------------

/** The gradients of a unit's own weights: { grids, words }, elements; only a kernel has grids. */
function weightRows({ network, values, gradients }, { at, unit, channel, pick }) {
  const layer = network.layers[at - 1];
  const own = gradients.weights[at];
  if (!own) return { grids: [], words: [] };
  const { channel: output } = place(layer.shape, unit);
  const bias = small(own.bias.data[output]);
  if (layer.kind === "linear") {
    const most = linearWords(own, values[at - 1], unit);
    const words = `Its weights: ${most}. Its bias: ${bias}, the gradient itself.`;
    return { grids: [], words: [h("p", {}, words)] };
  }
  return kernelRows({ network, values, gradients, at, layer }, { output, channel, pick, bias });
}

function linearWords({ weight, bias }, x, unit) {
  const inputs = weight.shape[1];
  const row = weight.data.subarray(unit * inputs, (unit + 1) * inputs);
  const most = row.reduce((best, g, i) => (Math.abs(g) > Math.abs(row[best]) ? i : best), 0);
  return `the gradient \u00d7 each input, at most ${small(bias.data[unit], 3)} \u00d7 `
    + `${bracketed(x.data[most], (v) => small(v, 3))} = ${small(row[most])}`;
}

/** One kernel and its gradient; a cell under the pointer opens into its sum over all places. */
function kernelRows({ network, values, gradients, at, layer }, { output, channel, pick, bias }) {
  const [, inputs, ...size] = layer.weight.shape;
  const area = size[0] * size[1];
  const from = (output * inputs + channel) * area;
  const [kernel, slopes] = [layer.weight.data, gradients.weights[at].weight.data].map(
    (data) => Array.from(data.subarray(from, from + area)));
  const note = h("p", { class: "sum-note" });
  const most = small(largest(slopes), 2);
  const say = (tap) => {
    note.textContent = tap === null
      ? `Channel ${channel}: up to \u00b1${most}; point at a weight. Bias: ${bias}`
      : weightWords(weightSum(network, values, gradients, at, from + tap), layer);
  };
  say(null);
  const grids = [h("div", { class: "sum-grids" },
    grid("kernel", kernel, size, own("signed", kernel), say),
    grid("gradient", slopes, size, own("signed", slopes), say))];
  const others = Array.from({ length: inputs }, (_, c) => h("button", {
    class: "sum-channel", "aria-pressed": String(c === channel), onclick: () => pick(c),
  }, String(c)));
  const channels = h("div", { class: "sum-channels", "aria-label": "channels" }, others);
  return { grids, words: inputs > 1 ? [note, channels] : [note] };
}

/** "784 places, input × gradient: 0.02 in all, most at (3, 4): 0.5 × 0.01" */
function weightWords({ value, terms }, { shape }) {
  if (!terms.length) return "This weight meets only padding: 0.";
  const [{ unit, input, gradient }] = terms;
  const { row, column } = place(shape, unit);
  return `${terms.length} places, input \u00d7 gradient: ${small(value)} in all, most at `
    + `(${row}, ${column}): ${small(input, 3)} \u00d7 ${bracketed(gradient, (g) => small(g, 3))}`;
}

// --- where it came from ----------------------------------------------------------------------

/** The unit, and what uses it in the layer above, in the map of the way that brings most. */
function marksOf(network, values, { at, unit }, { terms }) {
  const marks = [{ name: "here", ...stepAt(network, at, unit) }];
  if (!terms.length) return marks;
  const { channel } = place(network.layers[at].shape, terms[0].unit);
  const part = usedBy(network, values, at, unit);
  return [...marks, { at: at + 1, name: "source", tile: channel, part }];
}

/** The strongest way by which the gradient came, from the bar of its class on; see path.js. */
function pathOf(network, values, gradients, { at, unit }) {
  const last = network.layers.length - 1;
  const steps = [];
  while (unit !== undefined && at <= last) {
    steps.unshift(stepAt(network, at, unit));
    const [strongest] = waysUp(network, values, gradients, at, unit).terms;
    at += 1;
    unit = at > last ? gradients.label : strongest?.product ? strongest.unit : undefined;
  }
  if (unit !== undefined) steps.unshift(stepAt(network, at, unit));
  return steps;
}
