// What the X-ray shows when it looks backward: the gradients as maps, and the sum behind one.
//
// A scene is that of picture.js, and gradients: what backward() of backward.js returns.
import { h, show } from "../frame.js";
import { largest } from "../maps.js";
import { place } from "../network.js";
import { bracketed } from "../numbers.js";
import { formula, grid, own } from "../sum.js";
import { usedBy, waysUp, weightSum } from "../ways.js";
import { shortName, unitName } from "../words.js";

const MOST = 4;

/** The maps of the gradients, from the input to the logits, as picture() of picture.js has them. */
export function gradientMaps({ values, gradients }) {
  return gradients.values.map(({ data }, at) => {
    const { top, label } = scaleEnd(largest(data));
    const title = `gradient: blue \u2212${show(top)}, orange ${show(top)}`;
    const words = (unit) => (
      `gradient ${show(data[unit], 3)}, value ${show(values[at].data[unit], 3)}`);
    return { data, low: -top, top, scale: "signed", title, label: `\u00b1${label}`, words };
  });
}

/** Where a scale with room for a number ends, the next one of one digit; and how that is written. */
function scaleEnd(number) {
  const power = 10 ** Math.floor(Math.log10(number));
  const digit = Math.ceil(number / power - 1e-9);
  const top = digit * power;
  const exponent = Math.round(Math.log10(power));
  return { top, label: exponent < -3 ? show(Number(`${digit}e${exponent}`)) : show(top, 1) };
}

/** The unit whose gradient is meant: a probability has none of its own here, but its logit's. */
export function ofGradient(network, { at, unit }) {
  return { at: Math.min(at, network.layers.length - 1), unit };
}

/** What is said of a unit's gradient. */
export function gradientWords({ network, values, gradients, chosen }) {
  const { at, unit } = ofGradient(network, chosen);
  const { value, terms } = waysUp(network, values, gradients, at, unit);
  const open = terms.filter(({ product }) => product !== 0).length;
  const ways = at === network.layers.length - 1 ? "It is where the way back begins"
    : `Of ${terms.length} ways to ${network.layers[at].name}, ${open} bring a gradient back`;
  return `${unitName(network, at, unit)}: gradient ${show(value)}. ${ways}.`;
}

/** The sum behind the gradient of the unit that is chosen, as sumPicture() of picture.js has it. */
export function gradientSum(scene) {
  const { network, values, gradients, chosen, channel, listing, pick } = scene;
  if (!gradients || !chosen) return null;
  const { at, unit } = ofGradient(network, chosen);
  const found = waysUp(network, values, gradients, at, unit);
  const names = (above) => shortName(network.layers[at].shape, above);
  const value = show(values[at].data[unit]);
  return {
    name: `${unitName(network, at, unit)}: gradient`,
    value: `= ${show(found.value)}`,
    sees: `how fast the ${gradients.of} changes with its value, ${value}`,
    rows: [
      ...waysRows(found, network, at, unit, names),
      ...weightRows(scene, { at, unit, channel, pick }),
    ],
    numbers: allWays(found, names),
    listing,
    bar: at === network.layers.length - 1 ? unit : null,
    marks: marksOf(network, values, { at, unit }, found),
    steps: wayOf(network, values, gradients, { at, unit }),
  };
}

// --- the ways up -----------------------------------------------------------------------------

/** What the layer above does with a gradient, in a sentence. */
const RULE = {
  conv2d: (found, above) => `Back from ${above}: each weight on the way \u00d7 the gradient there.`,
  linear: (found, above) => `Back from ${above}: each weight on the way \u00d7 the gradient there.`,
  affine: (found, above) => `Back from ${above}: its factor \u00d7 the gradient there.`,
  avgPool2d: ({ count }, above) => `${above} gives each of its ${count} places the same share.`,
  relu: ({ input, terms: [{ factor }] }, above) => (factor
    ? `The gate of ${above} is open, as ${show(input)} > 0: the gradient comes through.`
    : `The gate of ${above} is closed, as ${show(input)} \u2264 0: no gradient comes through.`),
  maxPool2d: ({ terms }, above) => (terms.some(({ factor }) => factor)
    ? `It won in ${above}: the whole gradient of a window goes to its largest value.`
    : `It won no window of ${above}, and so gets no gradient.`),
};

function waysRows(found, network, at, unit, names) {
  if (found.kind === "softmax") return [formula(startOf(found, network, unit))];
  const above = network.layers[at].name;
  const rule = h("p", {}, RULE[found.kind](found, above));
  const shown = found.terms.slice(0, MOST);
  const rest = found.terms.slice(MOST).reduce((sum, { product }) => sum + product, 0);
  const lines = shown.map(({ unit: to, factor, gradient, product, won }) => line(
    won === undefined || factor ? names(to) : `${names(to)}, won by ${placeName(network, at, won)}`,
    `${show(factor, 3)} \u00d7 ${bracketed(gradient, (g) => show(g, 3))}`, product));
  if (found.terms.length > MOST) {
    lines.push(line(`the other ${found.terms.length - MOST} ways`, "", rest));
  }
  lines.push(line(h("b", {}, "sum"), "", found.value));
  return [rule, h("table", { class: "sum-terms" }, lines)];
}

function line(name, product, value) {
  return h("tr", {}, h("td", {}, name), h("td", {}, product),
    h("td", { class: "sum-number" }, show(value, 4)));
}

function placeName(network, at, unit) {
  const { row, column } = place(network.layers[at - 1].shape, unit);
  return `(${row}, ${column})`;
}

/** p − y, or 1 and 0. */
function startOf({ of, label, probability, value }, { classes }, unit) {
  if (of === "logit") {
    const whose = unit === label ? "itself" : "of another class";
    return `\u2202 logit of ${classes[label]} / \u2202 the logit ${whose} = ${show(value)}`;
  }
  return `p \u2212 y = ${show(probability)} \u2212 ${unit === label ? 1 : 0} = ${show(value)}`;
}

/** All the ways as a table, its heading first; null where there are only few. */
function allWays({ terms }, names) {
  if (terms.length <= MOST) return null;
  const rows = terms.map(({ unit, factor, gradient, product }) => (
    [names(unit), show(factor, 6), show(gradient, 6), show(product, 6)]));
  return [["to", "factor", "gradient there", "product"], ...rows];
}

// --- the weights -----------------------------------------------------------------------------

/** The gradients of the weights of a unit, drawn as its kernel is; none for layers without. */
function weightRows({ network, values, gradients }, { at, unit, channel, pick }) {
  const layer = network.layers[at - 1];
  const own = gradients.weights[at];
  if (!own) return [];
  const { channel: output } = place(layer.shape, unit);
  const bias = h("p", {}, `its bias: the sum of ${layer.kind === "linear" ? "one gradient"
    : "the map's gradients"}, ${show(own.bias.data[output])}`);
  if (layer.kind === "linear") return [...linearWeights(own, values[at - 1], unit), bias];
  const kernel = kernelRows({ network, values, gradients, at, layer }, { output, channel, pick });
  return [...kernel, bias];
}

function linearWeights({ weight, bias }, x, unit) {
  const inputs = weight.shape[1];
  const row = weight.data.subarray(unit * inputs, (unit + 1) * inputs);
  const most = row.reduce((best, g, i) => (Math.abs(g) > Math.abs(row[best]) ? i : best), 0);
  return [h("p", {}, `its weights: this gradient \u00d7 each input. The largest: `
    + `${show(bias.data[unit], 3)} \u00d7 ${bracketed(x.data[most], (v) => show(v, 3))} = `
    + `${show(row[most])}`)];
}

/** One kernel and its gradient; a cell under the pointer opens into its sum over all places. */
function kernelRows({ network, values, gradients, at, layer }, { output, channel, pick }) {
  const [, inputs, ...size] = layer.weight.shape;
  const area = size[0] * size[1];
  const from = (output * inputs + channel) * area;
  const [kernel, slopes] = [layer.weight.data, gradients.weights[at].weight.data].map(
    (data) => Array.from(data.subarray(from, from + area)));
  const note = h("p", { class: "sum-note" });
  const say = (tap) => {
    note.textContent = tap === null ? `weights of channel ${channel}, and their gradients`
      : weightWords(weightSum(network, values, gradients, at, from + tap), layer);
  };
  say(null);
  const grids = h("div", { class: "sum-grids" },
    grid("kernel", kernel, size, own("signed", kernel), say),
    grid("its gradient", slopes, size, own("signed", slopes), say));
  const others = Array.from({ length: inputs }, (_, c) => h("button", {
    class: "sum-channel", "aria-pressed": String(c === channel), onclick: () => pick(c),
  }, String(c)));
  const channels = inputs > 1
    && h("div", { class: "sum-channels", "aria-label": "channels" }, others);
  return [grids, note, channels].filter(Boolean);
}

/** "sum over 784 places of input × gradient = 0.02; the most at (3, 4): 0.5 × 0.01" */
function weightWords({ value, terms }, { shape }) {
  if (!terms.length) return "This weight only ever meets padding: 0.";
  const [{ unit, input, gradient }] = terms;
  const { row, column } = place(shape, unit);
  return `sum over ${terms.length} places of input \u00d7 gradient = ${show(value)}; the most at `
    + `(${row}, ${column}): ${show(input, 3)} \u00d7 ${bracketed(gradient, (g) => show(g, 3))}`;
}

// --- where it came from ----------------------------------------------------------------------

/** The unit, and what uses it in the layer above, in the map of the way that brings most. */
function marksOf(network, values, { at, unit }, { terms }) {
  const here = cell(network, at, unit);
  const marks = [{ at, name: "here", ...here }];
  if (!terms.length) return marks;
  const { channel } = place(network.layers[at].shape, terms[0].unit);
  const part = usedBy(network, values, at, unit);
  return [...marks, { at: at + 1, name: "source", tile: channel, part }];
}

/** The strongest way by which the gradient came, from the bar of its class on; see path.js. */
function wayOf(network, values, gradients, { at, unit }) {
  const last = network.layers.length - 1;
  const steps = [];
  while (unit !== undefined && at <= last) {
    steps.unshift({ at, unit, ...cell(network, at, unit) });
    const [strongest] = waysUp(network, values, gradients, at, unit).terms;
    at += 1;
    unit = at > last ? gradients.label : strongest?.product ? strongest.unit : undefined;
  }
  if (unit !== undefined) steps.unshift({ at, unit, ...cell(network, at, unit) });
  return steps;
}

function cell(network, at, unit) {
  const shape = at ? network.layers[at - 1].shape : network.input;
  const { channel, row, column } = place(shape, unit);
  const spot = { top: row, bottom: row, left: column, right: column };
  return { tile: channel, part: spot, spot };
}
