// The sum behind one unit, as pictures and as numbers: what network.js's trace() has found.
import { h, show } from "./frame.js";
import { SCALES } from "./maps.js";
import { bracketed } from "./numbers.js";

const CELL = 18;
/** So many of the products of a fully connected unit are shown, the largest. */
export const TERMS = 5;

/**
 * Rows of elements that show a trace. names: { unit(i), says what the terms come from }.
 * channel: which channel's window to show. pick(channel): another one is asked for.
 */
export function sumRows(found, { channel, pick, scale, names }) {
  return SHOWN[found.kind](found, { channel, pick, scale, names });
}

/** By a layer's kind, (found, options) → the rows that show its sum. */
export const SHOWN = {
  conv2d: convolution,
  linear: fullyConnected,
  maxPool2d: pooling,
  avgPool2d: pooling,
  relu: ({ input, value }) => [formula(`max(0, ${show(input)}) = ${show(value)}`)],
  affine: ({ input, scale, shift, value }) => [
    formula(`${show(input)} × ${show(scale)} ${plus(shift)} = ${show(value)}`),
    h("p", {}, "In eval(), batch normalisation is one factor and one shift for each channel."),
  ],
  softmax: ({ input, powers, value }) => [
    formula(`e^${show(input)} = ${show(Math.exp(input))}`),
    formula(`sum of e^z over all classes = ${show(powers)}`),
    formula(`${show(Math.exp(input))} / ${show(powers)} = ${show(value)}`),
  ],
};

function convolution(found, { channel, pick, scale }) {
  const { size, channels, bias, value } = found;
  const { window, kernel, sum } = channels[channel];
  const products = kernel.map((factor, i) => factor * (window[i] ?? 0));
  const note = h("p", { class: "sum-note" });
  const say = (i) => {
    note.textContent = i === null
      ? `channel ${channel} adds ${show(sum)}`
      : `${show(window[i] ?? 0)} × ${bracketed(kernel[i], show)} = ${show(products[i])}`;
  };
  say(null);
  const item = (one, c) => h(
    "button",
    { class: "sum-channel", "aria-pressed": String(c === channel), onclick: () => pick(c) },
    `${c}: ${show(one.sum, 3)}`,
  );
  return [
    h("div", { class: "sum-grids" },
      grid("window", window, size, scale, say), h("span", {}, "×"),
      grid("kernel", kernel, size, own("signed", kernel), say), h("span", {}, "="),
      grid("products", products, size, own("signed", products), say)),
    h("div", { class: "sum-words" },
      note,
      channels.length > 1 ? h(
        "div", { class: "sum-channels", "aria-label": "sums by channel" }, channels.map(item),
      ) : null,
      formula(`${show(channels.reduce((total, one) => total + one.sum, 0))} ${plus(bias)} (bias) `
        + `= ${show(value)}`)),
  ];
}

function pooling({ kind, size, window, winner, count, value }, { scale }) {
  const note = h("p", { class: "sum-note" });
  const numbers = window.filter((v) => v !== null);
  const total = numbers.reduce((sum, v) => sum + v, 0);
  const say = (i) => { note.textContent = i === null ? "" : `value ${show(window[i] ?? 0)}`; };
  const text = kind === "maxPool2d"
    ? `largest of ${numbers.map((v) => show(v)).join(", ")}: ${show(value)}`
    : `(${numbers.map((v) => show(v)).join(" + ")}) / ${count} = ${show(total / count)}`;
  const tie = numbers.filter((v) => v === value).length > 1 && kind === "maxPool2d";
  return [
    h("div", { class: "sum-grids" }, grid("window", window, size, scale, say, winner)),
    h("div", { class: "sum-words" },
      formula(text),
      tie ? h("p", {}, "A tie: the first of them wins, as in PyTorch.") : null, note),
  ];
}

function fullyConnected({ terms, bias, value }, { names }) {
  const rest = terms.slice(TERMS).reduce((sum, term) => sum + term.product, 0);
  const line = ({ unit, input, weight, product }) => h(
    "tr", {},
    h("td", {}, names.unit(unit)),
    h("td", {}, `${show(input, 3)} × ${bracketed(weight, (number) => show(number, 3))}`),
    h("td", { class: "sum-number" }, show(product, 4)),
  );
  const number = (name, amount) => h(
    "tr", {}, h("td", { colspan: 2 }, name), h("td", { class: "sum-number" }, show(amount)),
  );
  const lines = [
    ...terms.slice(0, TERMS).map(line),
    terms.length > TERMS && number(`the other ${terms.length - TERMS} terms`, rest),
    number("bias", bias),
    number(h("b", {}, "sum"), value),
  ].filter(Boolean);
  // Two tables beside each other are half as high.
  const half = Math.ceil(lines.length / 2);
  return [lines.slice(0, half), lines.slice(half)].map((some) => (
    h("table", { class: "sum-terms" }, some)));
}

/** A small picture of numbers; a pointer on a cell, or null when it leaves, goes to over(). */
export function grid(title, values, [rows, columns], { name, low, top }, over, outlined = null) {
  const cell = CELL;
  const cells = values.map((value, i) => h("rect", {
    x: (i % columns) * cell + 0.5, y: Math.floor(i / columns) * cell + 0.5,
    width: cell, height: cell,
    fill: value === null ? "#eee" : SCALES[name](value, top || 1, low),
    stroke: i === outlined ? "#d55e00" : "#bbb", "stroke-width": i === outlined ? 3 : 1,
    onpointerenter: () => over(i), onpointerleave: () => over(null),
  }, h("title", {}, value === null ? "padding: 0" : show(value))));
  if (outlined !== null) cells.push(cells.splice(outlined, 1)[0]); // its border above the others
  const viewBox = `0 0 ${columns * cell + 1} ${rows * cell + 1}`;
  return h("figure", {}, h("svg", { viewBox, role: "img", "aria-label": title }, cells),
    h("figcaption", {}, title));
}

/** A scale of its own for some numbers. */
export function own(name, values) {
  return { name, low: 0, top: Math.max(...values.map(Math.abs)) };
}

/** All the products of a sum as a table, its heading first; null where there are only few. */
export function allNumbers(found, names) {
  if (found.kind === "linear") {
    const rows = found.terms.map(({ unit, input, weight, product }) => [
      names.unit(unit), show(input, 6), show(weight, 6), show(product, 6),
    ]);
    return [["unit", "input", "weight", "product"], ...rows];
  }
  if (found.kind !== "conv2d") return null;
  const rows = found.channels.flatMap(({ window, kernel }, c) => window.map((input, i) => [
    c, Math.floor(i / found.size[1]), i % found.size[1],
    input === null ? "0 (padding)" : show(input, 6), show(kernel[i], 6),
    show(kernel[i] * (input ?? 0), 6),
  ]));
  return [["channel", "row", "column", "input", "weight", "product"], ...rows];
}

export function formula(text) {
  return h("p", { class: "sum-formula" }, text);
}

function plus(value) {
  return value < 0 ? `− ${show(-value)}` : `+ ${show(value)}`;
}
