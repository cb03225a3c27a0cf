// What the convolution stepper shows, from what it is: grids for grid.js, and lines of text.
//
// A scene is { state, out, seen, at, hoveredOutput, hoveredPixel, shown, hidden }: the state with
// its output and what its windows see; the output whose window is shown, the one under the pointer,
// shown instead, and the pixel under the pointer (each [row, column], or null); how many outputs
// are written, and whether a question hides them all.
import { grey, signed } from "../frame.js";
import { bracketed, brief, isAt, sides, tidy } from "../numbers.js";
import { CHANNELS, laidOn, sees, sizeText, traced } from "./state.js";

/** { many, channels, output, total, trace }, many for several channels in use. */
export function picture(scene) {
  const { state } = scene;
  const here = scene.hoveredOutput ?? scene.at;
  const sums = traced(state, ...here);
  const hidden = isHidden(scene, ...here);
  const many = state.channels > 1;
  const shown = { ...scene, here, hidden, many, ...scales(state) };
  return {
    many,
    channels: Array.from({ length: CHANNELS }, (_, c) => (
      c < state.channels ? channel(shown, c, sums[c]) : null
    )),
    output: outputGrid(scene, here),
    total: total(state, sums, hidden),
    trace: trace(scene, here, sums, hidden),
  };
}

/** "The window at row 0, column 1 makes output[0, 1] = 3." */
export function sentence({ state, out, at: [i, j], hidden }) {
  const value = hidden ? "?" : tidy(out.data[i * out.shape[2] + j]);
  return `The window at row ${i * state.stride}, column ${j * state.stride} `
    + `makes output[${i}, ${j}] = ${value}.`;
}

function isHidden({ out, shown, hidden }, i, j) {
  return hidden || i * out.shape[2] + j >= shown;
}

/** One scale for the pixels of all channels, and one for the weights. */
function scales({ image, kernel, channels }) {
  const pixels = image.slice(0, channels).flat(2);
  const white = Math.max(1, ...pixels.map(Math.abs));
  // As in maps: blue, white and orange where some are negative.
  const lit = pixels.some((value) => value < 0)
    ? (level) => ({ colour: signed(0.6 * level) })
    : (level) => ({ colour: grey(level), dark: level < 0.5 });
  const largest = Math.max(1e-9, ...kernel.flat(2).map(Math.abs));
  return { white, lit, largest };
}

/** { image, kernel, flipped (null if it is laid on as it is), products, sum } of one channel. */
function channel(shown, c, { terms, sum }) {
  const { state, many, hidden, largest } = shown;
  const slice = state.kernel[c];
  const flippedTitle = many ? "flipped" : "laid on, flipped";
  return {
    image: imageGrid(shown, c, sides(terms)),
    kernel: weightGrid(many ? `slice ${c}` : "kernel", slice, largest, many),
    flipped: state.flip ? weightGrid(flippedTitle, laidOn(slice, true), largest, many) : null,
    products: productGrid(terms, shown),
    sum: `sum ${hidden ? "?" : tidy(sum)}`,
  };
}

function imageGrid({ state, seen, here, hoveredPixel, many, white, lit }, c, window) {
  const rows = state.image[c];
  const [height, width] = sides(rows);
  const { padding, stride } = state;
  // So small that three channels with two rings of zeros fit a projector.
  const narrow = padding === 2 ? [1.7, 1.6] : [2, 2];
  return {
    title: `${many ? `channel ${c}` : "image"}, ${height} × ${width}`,
    room: many ? narrow : [2.4, 2.4],
    size: [height + 2 * padding, width + 2 * padding],
    frame: [here[0] * stride, here[1] * stride, ...window],
    cell(i, j) {
      const value = rows[i - padding]?.[j - padding];
      if (value === undefined) return { text: "0", colour: "#eee", marks: "padding" };
      const linked = isAt(hoveredPixel, i, j) ? "linked" : "";
      const marks = [seen[i][j] ? "" : "unseen", linked].join(" ");
      const title = `image[${c}, ${i - padding}, ${j - padding}] = ${tidy(value)}`;
      return { text: brief(value, 4), ...lit(value / white), title, marks };
    },
  };
}

function weightGrid(title, slice, largest, many) {
  return {
    title,
    room: many ? [2.7, 1.6] : [2.8, 2.4],
    size: sides(slice),
    cell: (i, j) => ({
      text: brief(slice[i][j], 4),
      colour: signed((0.6 * slice[i][j]) / largest),
      title: `weight ${tidy(slice[i][j])}`,
    }),
  };
}

function productGrid(terms, { many, hidden, white, largest }) {
  return {
    title: many ? "products" : "pixel · weight",
    room: many ? [2.8, 1.6] : [4.6, 2.8],
    size: sides(terms),
    cell(i, j) {
      const { pixel, weight, product } = terms[i][j];
      const asProduct = `${brief(pixel, 4)} · ${brief(weight, 4)}`;
      const result = hidden ? "?" : brief(product, many ? 4 : 5);
      return {
        text: many ? result : `${asProduct}\n= ${result}`,
        colour: hidden ? "" : signed((0.6 * product) / (white * largest)),
        title: `${tidy(pixel)} · ${bracketed(weight)} = ${hidden ? "?" : tidy(product)}`,
        marks: many ? "" : "two",
      };
    },
  };
}

function outputGrid(scene, here) {
  const { state, out, hoveredPixel } = scene;
  const [, rows, columns] = out.shape;
  const largest = Math.max(1e-9, ...out.data.map(Math.abs));
  return {
    title: `output, ${rows} × ${columns}`,
    room: [state.channels > 1 && state.padding === 2 ? 2.4 : 2.7, 2.4],
    size: [rows, columns],
    cell(i, j) {
      const value = out.data[i * columns + j];
      const hidden = isHidden(scene, i, j);
      const linked = sees(state, hoveredPixel, i, j) ? "linked" : "";
      return {
        text: scene.hidden ? "?" : hidden ? "" : brief(value, 4),
        colour: hidden ? "" : signed((0.6 * value) / largest),
        title: hidden ? "" : `output[${i}, ${j}] = ${tidy(value)}`,
        marks: ["pickable", isAt(here, i, j) ? "here" : "", linked].join(" "),
      };
    },
  };
}

/** "3 + 0 + (−3) + bias 0.5 = 0.5": the sums of the channels. */
function total(state, sums, hidden) {
  const parts = sums.map(({ sum }) => (hidden ? "?" : bracketed(sum)));
  return `${[...parts, biasTerm(state)].join(" + ")} = ${result(state, sums, hidden)}`;
}

/** The lines below: every product, the sums, and the size of the output. */
function trace({ state, seen }, here, sums, hidden) {
  const name = `output[${here.join(", ")}]`;
  const terms = ({ terms: rows }) => rows.flat()
    .map(({ pixel, weight }) => `${bracketed(pixel)}·${bracketed(weight)}`).join(" + ");
  const end = result(state, sums, hidden);
  const lines = sums.length === 1
    ? [`${name} = ${terms(sums[0])} + ${biasTerm(state)} = ${end}`]
    : [
      ...sums.map((one, c) => `channel ${c}: ${terms(one)} = ${hidden ? "?" : tidy(one.sum)}`),
      `${name} = ${total(state, sums, hidden)}`,
    ];
  const all = seen.flat().every(Boolean);
  return [...lines, sizeText(state) + (all ? "" : " · struck through: pixels that no window sees")];
}

function biasTerm({ bias }) {
  return `bias ${bracketed(bias)}`;
}

function result({ bias }, sums, hidden) {
  return hidden ? "?" : tidy(sums.reduce((all, { sum }) => all + sum, 0) + bias);
}
