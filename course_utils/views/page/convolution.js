// The convolution stepper: a window slides over an image, and every sum can be looked at.
import { conv2d, outputSize, tensor } from "./arithmetic.js";
import { frame, grey, h, predict, signed } from "./frame.js";
import { STEPPER_HELP, bracketed, brief, choice, clamp, field, noNumber } from "./stepper.js";
import { numberGrid, player, stepperKeys, tidy } from "./stepper.js";

const MIRRORED = ["image", "kernel", "stride", "padding", "bias", "flip"];
const CHANNELS = 3;

const IMAGES = {
  "step edge": (height, width) => (y, x) => Number(x >= width / 2),
  "level edge": (height) => (y) => Number(y >= height / 2),
  "mirrored step": (height, width) => (y, x) => Number(x < width / 2),
  "one pixel": (height, width) => (y, x) =>
    Number(y === Math.floor((height - 1) / 2) && x === Math.floor((width - 1) / 2)),
  "slanted edge": (height) => (y, x) => Number(x + y >= height),
};

const KERNELS = {
  "rows −1 0 1": [[-1, 0, 1], [-1, 0, 1], [-1, 0, 1]],
  "turned": [[-1, -1, -1], [0, 0, 0], [1, 1, 1]],
  "edge": [[0, -1, 0], [-1, 4, -1], [0, -1, 0]],
  "blur": [[1 / 9, 1 / 9, 1 / 9], [1 / 9, 1 / 9, 1 / 9], [1 / 9, 1 / 9, 1 / 9]],
  "sharpen": [[0, -1, 0], [-1, 5, -1], [0, -1, 0]],
  "emboss": [[-1, -1, 0], [-1, 1, 1], [0, 1, 1]],
};

/** Rows of numbers, made by a function of row and column. */
function grown(height, width, value) {
  const row = (y) => Array.from({ length: width }, (_, x) => value(y, x));
  return Array.from({ length: height }, (_, y) => row(y));
}

function sides(rows) {
  return [rows.length, rows[0].length];
}

/** What the view starts with; always three channels, of which so many are in use. */
function startState({ image, kernel, ...rest }) {
  const others = Object.values(IMAGES);
  const patterns = others.map((pattern) => grown(...sides(image[0]), pattern(...sides(image[0]))));
  const channels = image.length;
  return {
    ...rest,
    channels,
    image: structuredClone([...image, ...patterns.slice(channels, CHANNELS)]),
    kernel: structuredClone([...kernel, ...Array(CHANNELS - channels).fill(kernel[0])]),
  };
}

/** Why a setting cannot be, in a sentence; or null if it can. */
export function refusal({ image, kernel, stride, padding, bias }) {
  if (!Number.isInteger(stride) || stride < 1) {
    return "The stride is a whole number, at least 1.";
  }
  if (!Number.isInteger(padding) || padding < 0 || padding > 2) {
    return "The padding is 0, 1 or 2 here.";
  }
  if (!Number.isFinite(bias) || Math.abs(bias) > 9999) return "The bias is a number.";
  for (const [axis, side] of sides(image[0]).entries()) {
    const padded = side + 2 * padding;
    const window = sides(kernel[0])[axis];
    const pixels = `${side} + 2 · ${padding} = ${padded} pixels`;
    if (window > padded) return `A kernel of ${window} does not fit into ${pixels}.`;
    if (stride > padded) return `A stride of ${stride} is larger than the image, ${pixels}.`;
  }
  return null;
}

/** A kernel's slice as it is laid on the window: turned by half for a true convolution. */
function laid(slice, flip) {
  return flip ? slice.map((row) => [...row].reverse()).reverse() : slice;
}

/** The output, (1, H', W'). */
export function output({ image, kernel, channels, stride, padding, bias, flip }) {
  const slices = kernel.slice(0, channels).map((slice) => laid(slice, flip));
  const x = tensor([channels, ...sides(image[0])], image.slice(0, channels).flat(2));
  const weight = tensor([1, channels, ...sides(kernel[0])], slices.flat(2));
  const [strides, paddings] = [[stride, stride], [padding, padding]];
  return conv2d(x, { weight, bias: [bias], stride: strides, padding: paddings });
}

/** What makes output[i, j]: for each channel rows of { pixel, weight, product }, and their sum. */
export function traced({ image, kernel, channels, stride, padding, flip }, i, j) {
  return image.slice(0, channels).map((rows, c) => {
    const terms = laid(kernel[c], flip).map((weights, u) => weights.map((weight, v) => {
      const pixel = rows[i * stride + u - padding]?.[j * stride + v - padding] ?? 0;
      return { pixel, weight, product: pixel * weight };
    }));
    return { terms, sum: terms.flat().reduce((sum, { product }) => sum + product, 0) };
  });
}

/** The size of the output: ⌊(6 + 2 · 0 − 3) / 1⌋ + 1 = 4, for rows and columns. */
function sizeText({ image, kernel, stride, padding }) {
  const [height, width] = sides(image[0]);
  const [h0, w0] = sides(kernel[0]);
  const one = (side, window) =>
    `⌊(${side} + 2 · ${padding} − ${window}) / ${stride}⌋ + 1 = ` +
    outputSize(side, window, stride, padding);
  const square = height === width && h0 === w0;
  return square ? `size: ${one(height, h0)}`
    : `rows: ${one(height, h0)}; columns: ${one(width, w0)}`;
}

function convolution({ model, el }) {
  const start = startState(model.get("start"));
  let state = startState(Object.fromEntries(MIRRORED.map((name) => [name, model.get(name)])));
  let out = output(state);
  let seen = []; // for each pixel of the padded image, whether any window sees it
  let at = [0, 0]; // the output whose window is shown
  let pointed = null; // the output under the pointer, shown instead
  let looked = null; // the pixel under the pointer: which outputs see it?
  let shown = Infinity; // how many outputs are written; fewer while playing
  let asking = false;
  let asked = 1; // the largest stride that was asked for
  let mirroring = false;

  // --- the page ------------------------------------------------------------------------------
  const view = frame(el, {
    kind: "stepper",
    title: "Convolution, step by step",
    help: `${STEPPER_HELP} · click a number and type, or ↑ ↓ · click an output`,
    keys: stepperKeys({
      move,
      play: () => free() && play.toggle(),
      stride: (by) => free() && change({ stride: state.stride + by }),
      reset,
    }),
  });
  const play = player(forward, (on) => {
    playButton.textContent = on ? "❚❚ stop" : "▶ play";
    if (!on) shown = Infinity;
    draw();
  });
  const question = h("div", { class: "view-predict" });
  const strides = field("stride", { min: 1, max: 9 }, (stride) => change({ stride }));
  const paddings = field("padding", { min: 0, max: 2 }, (padding) => change({ padding }));
  const biases = field("bias", { step: "any" }, (bias) => change({ bias }));
  const counts = choice("channels", { 1: 1, 2: 2, 3: 3 }, (channels) => change({ channels }));
  const images = choice("image", { "as typed": null, ...IMAGES }, newImage);
  const kernels = choice("kernel", { "as typed": null, ...KERNELS }, newKernel);
  const flips = h("input", { type: "checkbox", onchange: () => change({ flip: flips.checked }) });
  const playButton = h("button", { title: "Space", onclick: () => play.toggle() }, "▶ play");
  const controls = h(
    "fieldset",
    { class: "stepper-controls" },
    [strides, paddings, counts, biases, images, kernels].map(({ node }) => node),
    h("label", { title: "a true convolution lays the kernel on turned by half" }, flips, " flip"),
    playButton,
    h("button", { title: "hide the output and ask for a row", onclick: ask }, "predict"),
    h("button", { title: "R", onclick: reset }, "reset"),
  );
  const panes = Array.from({ length: CHANNELS }, (_, c) => channelPanes(c));
  const channels = h("div", { class: "stepper-channels" }, panes.map(({ node }) => node));
  const outputs = numberGrid({ title: "output", wide: 3, pick: select, over: point });
  const total = h("div", { class: "stepper-total" });
  const trace = h("div", { class: "stepper-trace" });
  view.body.append(
    question, controls, channels, h("div", { class: "stepper-out" }, outputs.node, total), trace,
  );

  function channelPanes(c) {
    const editing = (name, shift) => ({
      get: (i, j) => state[name][c][i - shift()][j - shift()],
      set: (i, j, value) => changeNumber(name, c, i - shift(), j - shift(), value),
      wrong: (text, i, j) => wrongNumber(name, text, i - shift(), j - shift()),
      allowed: (i, j) => state[name][c][i - shift()]?.[j - shift()] !== undefined,
    });
    const image = numberGrid({
      title: "image", edit: editing("image", () => state.padding), over: lookAt,
    });
    const kernel = numberGrid({ title: "kernel", wide: 2.8, edit: editing("kernel", () => 0) });
    const flipped = numberGrid({ title: "laid on, flipped", wide: 2.8 });
    const products = numberGrid({ title: "pixel · weight", wide: 4.6, high: 2.8 });
    const sum = h("div", {});
    image.node.classList.add("stepper-image");
    const node = h(
      "div",
      { class: "stepper-channel" },
      image.node,
      h("div", {}, kernel.node, flipped.node),
      h("div", {}, products.node, sum),
    );
    return { node, image, kernel, flipped, products, sum };
  }

  // --- what the learner does -----------------------------------------------------------------
  function free() {
    if (asking) view.say("Answer the question first, or skip it.");
    return !asking;
  }

  /** Take over what is new, if it can be. Returns whether it could. */
  function change(patch) {
    const next = { ...state, ...patch };
    const why = refusal(next);
    if (why) {
      view.say(`${why} The view stays as it was.`);
      return false;
    }
    play.stop();
    state = next;
    mirror();
    settle();
    if (state.stride === 2 && asked < 2) ask();
    else {
      const [, rows, columns] = out.shape;
      const [[name, value]] = Object.entries(patch);
      const words = { object: "changed", boolean: value ? "on" : "off" };
      const said = words[typeof value] ?? tidy(value);
      view.say(`${name} ${said}. The output is ${rows} × ${columns}. ${sentence()}`);
    }
    return true;
  }

  function changeNumber(name, c, i, j, value) {
    play.stop();
    // A new one, since the old one may be in the model.
    state[name] = state[name].map((rows, k) => (k === c ? rows.map((row) => [...row]) : rows));
    state[name][c][i][j] = value;
    mirror();
    settle();
    (name === "image" ? images : kernels).set("as typed");
    view.say(`${name}[${c}, ${i}, ${j}] = ${tidy(value)}. ${sentence()}`);
  }

  function wrongNumber(name, text, i, j) {
    view.say(noNumber(text, `${name}[${i}, ${j}]`));
  }

  function newImage(pattern) {
    if (!pattern) return;
    const [height, width] = sides(state.image[0]);
    const first = grown(height, width, pattern(height, width));
    change({ image: [first, ...state.image.slice(1)] });
  }

  function newKernel(slice) {
    if (!slice) return;
    if (!change({ kernel: Array.from({ length: CHANNELS }, () => structuredClone(slice)) })) {
      kernels.set("as typed");
    }
  }

  function reset() {
    if (!free()) return;
    play.stop();
    state = structuredClone(start);
    at = [0, 0];
    images.set("as typed");
    kernels.set("as typed");
    mirror();
    settle();
    view.say("Everything is as at the beginning.");
  }

  function select(i, j) {
    at = [i, j];
    draw();
    view.say(sentence());
  }

  function move(down, right) {
    const [, rows, columns] = out.shape;
    pointed = null;
    play.stop();
    select(clamp(at[0] + down, rows), clamp(at[1] + right, columns));
  }

  /** One step of playing: the next output is written. False at the end. */
  function forward() {
    const [, rows, columns] = out.shape;
    if (shown === Infinity) shown = 0;
    if (shown === rows * columns) return false;
    shown += 1;
    select(Math.floor((shown - 1) / columns), (shown - 1) % columns);
  }

  function point(i, j) {
    pointed = i === undefined ? null : [i, j];
    draw();
  }

  function lookAt(i, j) {
    looked = i === undefined ? null : [i, j];
    draw();
  }

  // --- predict first -------------------------------------------------------------------------
  function ask() {
    const inside = view.box.contains(document.activeElement);
    play.stop();
    asking = true;
    asked = Math.max(asked, state.stride);
    const columns = out.shape[2];
    const row = at[0];
    const solution = [...out.data.slice(row * columns, (row + 1) * columns)];
    const which = row === 0 ? "first row" : `row ${row}`;
    const text = `with stride ${state.stride}, what is the ${which} of the output?`;
    question.replaceChildren(predict({ question: text, solution, tolerance: 0.01 }, answered));
    settle();
    if (inside) view.box.focus({ preventScroll: true }); // the control that asked is locked now
    view.say("The output is hidden. Move the window, add up, and say what comes out.");
  }

  function answered() {
    asking = false;
    if (state.stride === 1 && asked < 2 && !refusal({ ...state, stride: 2 })) {
      const next = h("button", { onclick: () => change({ stride: 2 }) }, "next: stride 2");
      question.firstChild.append(" ", next);
    }
    settle();
    view.say(`${sentence()} Click an output to see its sum.`);
  }

  // --- what is shown -------------------------------------------------------------------------
  function sentence() {
    const value = asking ? "?" : tidy(out.data[at[0] * out.shape[2] + at[1]]);
    return `The window at row ${at[0] * state.stride}, column ${at[1] * state.stride} `
      + `makes output[${at.join(", ")}] = ${value}.`;
  }

  /** After a change of the settings: the fields follow, and what was pointed at may be gone. */
  function settle() {
    out = output(state);
    seen = grown(...sides(state.image[0]).map((side) => side + 2 * state.padding), isSeen);
    const [, rows, columns] = out.shape;
    at = [clamp(at[0], rows), clamp(at[1], columns)];
    [pointed, looked] = [null, null];
    strides.set(state.stride);
    paddings.set(state.padding);
    biases.set(state.bias);
    counts.set(String(state.channels));
    flips.checked = state.flip;
    controls.disabled = asking;
    for (const { image, kernel } of panes) [image, kernel].forEach((grid) => grid.lock(asking));
    draw();
  }

  function draw() {
    const here = pointed ?? at;
    const sums = traced(state, ...here);
    const hidden = asking || here[0] * out.shape[2] + here[1] >= shown;
    const many = state.channels > 1;
    const pixels = state.image.slice(0, state.channels).flat(2);
    const white = Math.max(1, ...pixels.map(Math.abs));
    // As in maps: blue, white and orange where some are negative.
    const lit = pixels.some((value) => value < 0)
      ? (level) => ({ colour: signed(0.6 * level) })
      : (level) => ({ colour: grey(level), dark: level < 0.5 });
    const largest = Math.max(1e-9, ...state.kernel.flat(2).map(Math.abs));
    const scales = { many, hidden, white, lit, largest };
    view.box.classList.toggle("view-many", many);
    panes.forEach((pane, c) => {
      pane.node.hidden = c >= state.channels;
      if (c < state.channels) drawChannel(pane, c, here, sums[c], scales);
    });
    drawOutput(here);
    drawSum(sums, here, hidden);
  }

  function drawChannel(pane, c, here, { terms, sum }, { many, hidden, white, lit, largest }) {
    const [height, width] = sides(state.image[c]);
    const { padding, stride, flip } = state;
    const name = (text) => (many ? `${text} ${c}` : text);

    pane.image.title(`${name(many ? "channel" : "image")}, ${height} × ${width}`);
    // So small that three channels with two rings of zeros fit a projector.
    pane.image.cells(...(!many ? [2.4, 2.4] : padding === 2 ? [1.7, 1.6] : [2, 2]));
    pane.image.draw(height + 2 * padding, width + 2 * padding, (i, j) => {
      const value = state.image[c][i - padding]?.[j - padding];
      if (value === undefined) return { text: "0", colour: "#eee", marks: "padding" };
      const marks = [seen[i][j] ? "" : "unseen", same(looked, i, j) ? "linked" : ""].join(" ");
      const title = `image[${c}, ${i - padding}, ${j - padding}] = ${tidy(value)}`;
      return { text: brief(value, 4), ...lit(value / white), title, marks };
    });
    pane.image.window(here[0] * stride, here[1] * stride, ...sides(terms));

    const weights = (grid, slice) => grid.draw(...sides(slice), (i, j) => ({
      text: brief(slice[i][j], 4),
      colour: signed((0.6 * slice[i][j]) / largest),
      title: `weight ${tidy(slice[i][j])}`,
    }));
    pane.kernel.title(name(many ? "slice" : "kernel"));
    pane.kernel.cells(many ? 2.7 : 2.8, many ? 1.6 : 2.4);
    weights(pane.kernel, state.kernel[c]);
    pane.flipped.node.hidden = !flip;
    pane.flipped.title(many ? "flipped" : "laid on, flipped");
    pane.flipped.cells(many ? 2.7 : 2.8, many ? 1.6 : 2.4);
    if (flip) weights(pane.flipped, laid(state.kernel[c], true));

    drawProducts(pane, terms, white * largest, many, hidden);
    pane.sum.textContent = `sum ${hidden ? "?" : tidy(sum)}`;
  }

  function drawProducts({ products }, terms, largest, many, hidden) {
    products.title(many ? "products" : "pixel · weight");
    products.cells(many ? 2.8 : 4.6, many ? 1.6 : 2.8);
    products.draw(...sides(terms), (i, j) => {
      const { pixel, weight, product } = terms[i][j];
      const asProduct = `${brief(pixel, 4)} · ${brief(weight, 4)}`;
      const result = hidden ? "?" : brief(product, many ? 4 : 5);
      return {
        text: many ? result : `${asProduct}\n= ${result}`,
        colour: hidden ? "" : signed((0.6 * product) / largest),
        title: `${tidy(pixel)} · ${bracketed(weight)} = ${hidden ? "?" : tidy(product)}`,
        marks: many ? "" : "two",
      };
    });
  }

  function drawOutput(here) {
    const [, rows, columns] = out.shape;
    const largest = Math.max(1e-9, ...out.data.map(Math.abs));
    outputs.title(`output, ${rows} × ${columns}`);
    outputs.cells(state.channels > 1 && state.padding === 2 ? 2.4 : 2.7, 2.4);
    outputs.draw(rows, columns, (i, j) => {
      const value = out.data[i * columns + j];
      const hidden = asking || i * columns + j >= shown;
      const marks = ["pickable", same(here, i, j) ? "here" : "", sees(i, j) ? "linked" : ""];
      return {
        text: asking ? "?" : hidden ? "" : brief(value, 4),
        colour: hidden ? "" : signed((0.6 * value) / largest),
        title: hidden ? "" : `output[${i}, ${j}] = ${tidy(value)}`,
        marks: marks.join(" "),
      };
    });
  }

  function drawSum(sums, here, hidden) {
    const terms = (sum) => sum.terms.flat()
      .map(({ pixel, weight }) => `${bracketed(pixel)}·${bracketed(weight)}`).join(" + ");
    const end = hidden ? "?" : tidy(sums.reduce((all, { sum }) => all + sum, 0) + state.bias);
    const name = `output[${here.join(", ")}]`;
    const bias = `bias ${bracketed(state.bias)}`;
    const parts = sums.map(({ sum }) => (hidden ? "?" : bracketed(sum)));
    total.textContent = `${[...parts, bias].join(" + ")} = ${end}`;
    const lines = sums.length === 1
      ? [`${name} = ${terms(sums[0])} + ${bias} = ${end}`]
      : [
        ...sums.map((sum, c) => `channel ${c}: ${terms(sum)} = ${hidden ? "?" : tidy(sum.sum)}`),
        `${name} = ${total.textContent}`,
      ];
    const all = seen.flat().every(Boolean);
    lines.push(sizeText(state) + (all ? "" : " · struck through: pixels that no window sees"));
    trace.replaceChildren(...lines.map((line) => h("div", {}, line)));
  }

  function same(pair, i, j) {
    return pair !== null && pair[0] === i && pair[1] === j;
  }

  /** Whether any window sees the pixel (i, j) of the padded image. */
  function isSeen(i, j) {
    const windows = sides(state.kernel[0]);
    return [i, j].every((k, axis) => {
      // The first window that reaches beyond k; does it begin before k, and is it used?
      const first = Math.max(0, Math.floor((k - windows[axis]) / state.stride) + 1);
      return first < out.shape[axis + 1] && first * state.stride <= k;
    });
  }

  /** Whether the window of output (i, j) sees the pixel that the pointer is on. */
  function sees(i, j) {
    if (!looked) return false;
    const [h0, w0] = sides(state.kernel[0]);
    const [y, x] = [looked[0] - i * state.stride, looked[1] - j * state.stride];
    return y >= 0 && y < h0 && x >= 0 && x < w0;
  }

  // --- with the kernel of the notebook, if it lives ------------------------------------------
  function mirror() {
    mirroring = true;
    model.set("image", state.image.slice(0, state.channels));
    model.set("kernel", state.kernel.slice(0, state.channels));
    for (const name of MIRRORED.slice(2)) model.set(name, state[name]);
    model.save_changes();
    mirroring = false;
  }

  function fromPython() {
    if (mirroring) return;
    state = startState(Object.fromEntries(MIRRORED.map((name) => [name, model.get(name)])));
    if (asking) ask();
    else settle();
  }

  for (const name of MIRRORED) model.on(`change:${name}`, fromPython);
  ask();
  return () => {
    play.stop();
    for (const name of MIRRORED) model.off(`change:${name}`, fromPython);
  };
}

export default { render: convolution };
