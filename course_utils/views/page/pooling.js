// The pooling stepper: which value a window keeps, and where its gradient goes back to.
import { avgPool2d, avgPool2dBackward, maxPool2d, maxPool2dBackward } from "./arithmetic.js";
import { maxWinners, tensor } from "./arithmetic.js";
import { cividis, frame, h, predict, signed } from "./frame.js";
import { STEPPER_HELP, bracketed, brief, choice, clamp, field, noNumber } from "./stepper.js";
import { numberGrid, player, stepperKeys, tidy } from "./stepper.js";

const MIRRORED = ["x", "gradient", "size", "stride", "how"];

/** Why a setting cannot be, in a sentence; or null if it can. */
export function refusal({ x, size, stride }) {
  for (const [name, value] of [["window's side", size], ["stride", stride]]) {
    if (!Number.isInteger(value) || value < 1) return `The ${name} is a whole number, at least 1.`;
  }
  const side = Math.min(x.length, x[0].length);
  if (size > side) return `A window of ${size} does not fit into ${side} values.`;
  if (stride > side) return `A stride of ${stride} is larger than the input, ${side} values.`;
  return null;
}

/** Rows of numbers as a tensor (1, H, W). */
function asTensor(rows) {
  return tensor([1, rows.length, rows[0].length], rows.flat());
}

function options({ size, stride }) {
  return { size: [size, size], stride: [stride, stride] };
}

/** What comes out, (1, H', W'). */
export function pooled(state) {
  const pool = state.how === "max" ? maxPool2d : avgPool2d;
  return pool(asTensor(state.x), options(state));
}

/** What goes back, (1, H, W), from the first so many outputs. */
export function wentBack(state, count = Infinity) {
  const backward = state.how === "max" ? maxPool2dBackward : avgPool2dBackward;
  const arrived = asTensor(state.gradient);
  const data = arrived.data.map((value, n) => (n < count ? value : 0));
  return backward(asTensor(state.x), { shape: arrived.shape, data }, options(state));
}

/** The places of a window, [row, column] each, in row order. */
function windowOf({ size, stride }, i, j) {
  return Array.from({ length: size * size }, (_, n) => [
    i * stride + Math.floor(n / size), j * stride + (n % size),
  ]);
}

/** All that a state leads to, computed once for each change. */
function derived(state) {
  const out = pooled(state);
  const back = wentBack(state);
  const winners = maxWinners(asTensor(state.x), options(state)).winners;
  const windows = grid(state.gradient, (_, i, j) => windowOf(state, i, j)).flat();
  const width = state.x[0].length;
  const seen = new Set(windows.flat().map(([a, b]) => a * width + b));
  const largest = Math.max(1e-9, ...[...state.gradient.flat(), ...back.data].map(Math.abs));
  return { out, back, winners, seen, largest };
}

function grid(rows, value) {
  return rows.map((row, i) => row.map((old, j) => value(old, i, j)));
}

/** For each window that holds the input (y, x): its output [i, j], and what it gives back. */
export function sources(state, y, x) {
  const winners = maxWinners(asTensor(state.x), options(state)).winners;
  const width = state.x[0].length;
  const found = [];
  state.gradient.forEach((row, i) => row.forEach((arrived, j) => {
    if (!windowOf(state, i, j).some(([a, b]) => a === y && b === x)) return;
    const won = winners[i * row.length + j] === y * width + x;
    const share = state.how === "max" ? (won ? arrived : 0) : arrived / state.size ** 2;
    found.push({ at: [i, j], arrived, won, share });
  }));
  return found;
}

/** Ones for each output, or the gradient as it was if it still fits. */
function fittingGradient(state) {
  const [, rows, columns] = pooled(state).shape;
  const old = state.gradient;
  if (old.length === rows && old[0].length === columns) return old;
  return Array.from({ length: rows }, () => Array(columns).fill(1));
}

function pooling({ model, el }) {
  const start = structuredClone(model.get("start"));
  let state = fromModel();
  let now = derived(state);
  let chosen = { kind: "output", at: [0, 0] };
  let shown = Infinity; // how many outputs have given back; fewer while playing
  let question = null; // null, "which", "how much" or "one input"
  let marks = new Set(); // the inputs that the learner says get a gradient
  let mirroring = false;
  const asked = new Set();

  // --- the page ------------------------------------------------------------------------------
  const view = frame(el, {
    kind: "stepper",
    title: "Pooling, forward and backward",
    help: `${STEPPER_HELP} · click a number and type, or ↑ ↓ · click y or dx to trace it`,
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
  const line = h("div", { class: "view-predict" });
  const hows = choice("keep the", { max: "max", average: "average" }, (how) => change({ how }));
  const windows = field("window", { min: 1, max: 6 }, (size) => change({ size }));
  const strides = field("stride", { min: 1, max: 6 }, (stride) => change({ stride }));
  const playButton = h("button", { title: "Space", onclick: () => play.toggle() }, "▶ play");
  const controls = h(
    "fieldset",
    { class: "stepper-controls" },
    [hows, windows, strides].map(({ node }) => node),
    playButton,
    h("button", { title: "hide what goes back, and ask", onclick: ask }, "predict"),
    h("button", { title: "R", onclick: reset }, "reset"),
  );
  const x = numberGrid({ title: "x", wide: 2.8, high: 2.6, edit: editing("x"), pick: pickInput });
  const y = numberGrid({ title: "y", wide: 2.8, high: 2.6, pick: pickOutput });
  const dy = numberGrid({
    title: "dy", wide: 3.3, high: 2.6, edit: editing("gradient"), pick: pickOutput,
  });
  const dx = numberGrid({ title: "dx", wide: 3.3, high: 2.6, pick: pickInput });
  const trace = h("div", { class: "stepper-trace" });
  const pair = (name, left, arrow, right) =>
    h("div", { class: "pooling-pair", role: "group", "aria-label": name },
      left.node, h("span", { class: "pooling-arrow" }, arrow), right.node);
  view.body.append(
    line, controls, pair("forward", x, "→", y), pair("backward", dx, "←", dy), trace,
  );

  function editing(name) {
    return {
      get: (i, j) => state[name][i][j],
      set: (i, j, value) => changeNumber(name, i, j, value),
      wrong: (text, i, j) =>
        view.say(noNumber(text, `${name === "x" ? "x" : "dy"}[${i}, ${j}]`)),
    };
  }

  // --- what the learner does -----------------------------------------------------------------
  function free() {
    if (question) view.say("Answer the question first, or skip it.");
    return !question;
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
    state = { ...next, gradient: fittingGradient(next) };
    marks.clear();
    mirror();
    settle();
    const overlaps = state.stride < state.size;
    if (!asked.has(state.how) || (overlaps && !asked.has("overlap"))) ask();
    else {
      const [, rows, columns] = now.out.shape;
      const [[name, value]] = Object.entries(patch);
      view.say(`${name} ${value}. The output is ${rows} × ${columns}. ${sentence()}`);
    }
    return true;
  }

  function changeNumber(name, i, j, value) {
    play.stop();
    marks.clear();
    state[name] = structuredClone(state[name]); // the old one may be in the model
    state[name][i][j] = value;
    mirror();
    now = derived(state);
    draw();
    view.say(`${name === "x" ? "x" : "dy"}[${i}, ${j}] = ${tidy(value)}. ${sentence()}`);
  }

  function reset() {
    if (!free()) return;
    play.stop();
    state = structuredClone(start);
    chosen = { kind: "output", at: [0, 0] };
    marks.clear();
    mirror();
    settle();
    view.say("Everything is as at the beginning.");
  }

  function pickOutput(i, j) {
    if (question !== "one input") choose("output", i, j);
  }

  function pickInput(i, j) {
    if (question === "which") mark(i, j);
    else if (question !== "one input") choose("input", i, j); // that one stays framed
  }

  function choose(kind, i, j) {
    chosen = { kind, at: [i, j] };
    draw();
    view.say(sentence());
  }

  function mark(i, j) {
    const n = i * state.x[0].length + j;
    if (!marks.delete(n)) marks.add(n);
    draw();
    const is = marks.has(n) ? "marked" : "no longer marked";
    view.say(`x[${i}, ${j}] ${is}, ${marks.size} in all.`);
  }

  function move(down, right) {
    if (question === "one input") return;
    play.stop();
    const [, rows, columns] = now.out.shape;
    const [i, j] = chosen.kind === "output" ? chosen.at : [0, 0];
    const step = chosen.kind === "output" ? [down, right] : [0, 0]; // back from an input
    choose("output", clamp(i + step[0], rows), clamp(j + step[1], columns));
  }

  /** One step of playing: the next output gives its gradient back. False at the end. */
  function forward() {
    const [, rows, columns] = now.out.shape;
    if (shown === Infinity) shown = 0;
    if (shown === rows * columns) return false;
    shown += 1;
    choose("output", Math.floor((shown - 1) / columns), (shown - 1) % columns);
  }

  // --- predict first -------------------------------------------------------------------------
  function ask() {
    const inside = view.box.contains(document.activeElement);
    play.stop();
    marks = new Set();
    const overlaps = state.stride < state.size;
    asked.add(state.how);
    if (overlaps) asked.add("overlap");
    now = derived(state);
    const back = [...now.back.data];
    const given = back.filter((value) => value !== 0);
    const equal = given.length > 0 && given.every((value) => value === given[0]);
    if (!overlaps && state.how === "max") askWhich(back);
    else if (!overlaps && equal) askHowMuch(given);
    else askOne(back);
    settle();
    if (inside) view.box.focus({ preventScroll: true }); // the control that asked is locked now
  }

  function pose(kind, element, hint) {
    question = kind;
    line.replaceChildren(element);
    view.say(hint);
  }

  /** Which inputs get a gradient? Answered by clicking them. */
  function askWhich(back) {
    const wanted = back.flatMap((value, n) => (value === 0 ? [] : [n]));
    const verdict = h("span", { class: "view-verdict", role: "status" });
    const answer = h("button", { onclick: () => finish(true) }, "answer");
    const skip = h("button", { class: "view-skip", onclick: () => finish(false) }, "skip");
    function finish(given) {
      const right = marks.size === wanted.length && wanted.every((n) => marks.has(n));
      answer.hidden = skip.hidden = true;
      const is = `${wanted.length} of ${back.length}: the largest of each window `
        + "(of equals the first) to which a gradient comes.";
      verdict.textContent = !given ? ` Skipped. ${is}`
        : right ? ` ✓ Right, ${is}` : ` ✗ You marked ${marks.size}. It is ${is}`;
      answered();
    }
    const text = h("b", {}, "Predict: ");
    pose("which", h("p", { class: "view-predict" }, text,
      "which inputs will get a gradient through max pooling? Click them in x, or press Enter. ",
      answer, skip, verdict), "Click an input to mark it, or to take the mark away.");
  }

  function askHowMuch(given) {
    const text = `through ${state.how} pooling, how many inputs get a gradient, `
      + "and how much does each? (two numbers)";
    const solution = [given.length, given[0]];
    pose("how much", predict({ question: text, solution, tolerance: 0.005 }, answered),
      "What goes back is hidden until you answer or skip.");
  }

  /** How much does one input get? The one that gets most from several windows. */
  function askOne(back) {
    const width = state.x[0].length;
    const weight = (n) => {
      const windows = sources(state, Math.floor(n / width), n % width);
      return windows.length + windows.filter(({ share }) => share !== 0).length;
    };
    const best = back.map((_, n) => n).reduce((a, b) => (weight(b) > weight(a) ? b : a));
    const at = [Math.floor(best / width), best % width];
    chosen = { kind: "input", at };
    const text = `through ${state.how} pooling, which gradient does the framed `
      + `x[${at.join(", ")}] get?`;
    const solution = [back[best]];
    pose("one input", predict({ question: text, solution, tolerance: 0.01 }, answered),
      "It lies in every window that is framed in y; dy says what arrives there.");
  }

  function answered() {
    question = null;
    if (!asked.has("average")) {
      const next = h("button", { onclick: () => change({ how: "average" }) }, "next: average");
      line.firstChild.append(" ", next);
    }
    view.box.focus({ preventScroll: true });
    settle();
    view.say(sentence());
  }

  // --- what is shown -------------------------------------------------------------------------
  function sentence() {
    const [i, j] = chosen.at;
    if (chosen.kind === "input") {
      const windows = sources(state, i, j).length;
      const got = question ? "?" : tidy(now.back.data[i * state.x[0].length + j]);
      const count = windows === 1 ? "1 window" : `${windows} windows`;
      return `x[${i}, ${j}] lies in ${count} and gets dx = ${got}.`;
    }
    const { out } = now;
    return `The window at row ${i * state.stride}, column ${j * state.stride} keeps `
      + `y[${i}, ${j}] = ${tidy(out.data[i * out.shape[2] + j])}.`;
  }

  /** After a change of the settings: the fields follow, and what was chosen may be gone. */
  function settle() {
    now = derived(state);
    const [, rows, columns] = now.out.shape;
    if (chosen.kind === "output") {
      chosen.at = [clamp(chosen.at[0], rows), clamp(chosen.at[1], columns)];
    }
    hows.set(state.how);
    windows.set(state.size);
    strides.set(state.stride);
    controls.disabled = question !== null;
    for (const grid of [x, dy]) grid.lock(question !== null);
    draw();
  }

  function draw() {
    drawInputs(shown === Infinity ? now.back : wentBack(state, shown));
    drawOutputs();
    const place = chosen.kind === "output"
      ? [...chosen.at.map((k) => k * state.stride), state.size, state.size] : [];
    x.window(...place);
    dx.window(...(question ? [] : place));
    const lines = question ? [] : chosen.kind === "output" ? outputLines() : inputLines();
    if (lines.length && now.seen.size < now.back.data.length) {
      lines.push("struck through: in no window, so no gradient");
    }
    trace.replaceChildren(...lines.map((text) => h("div", {}, text)));
  }

  function drawInputs(back) {
    const [height, width] = [state.x.length, state.x[0].length];
    const winners = state.how === "max" && !question
      ? new Set(now.winners) : new Set();
    const colour = mapColour(state.x.flat());
    const here = (i, j) =>
      chosen.kind === "input" && chosen.at[0] === i && chosen.at[1] === j ? "here" : "";
    x.title(`x, ${height} × ${width}`);
    x.draw(height, width, (i, j) => {
      const n = i * width + j;
      const ring = [here(i, j), winners.has(n) ? "winner" : "", marks.has(n) ? "marked" : ""];
      return {
        text: brief(state.x[i][j], 4),
        title: `x[${i}, ${j}] = ${tidy(state.x[i][j])}`,
        ...colour(state.x[i][j]),
        marks: [...ring, now.seen.has(n) ? "" : "unseen"].join(" "),
      };
    });
    dx.title("dx, goes back");
    dx.draw(height, width, (i, j) => {
      const value = back.data[i * width + j];
      const marked = ["pickable", here(i, j)].join(" ");
      if (question) return { text: "?", marks: marked };
      return { ...gradientCell(value), title: `dx[${i}, ${j}] = ${tidy(value)}`, marks: marked };
    });
  }

  function drawOutputs() {
    const [, rows, columns] = now.out.shape;
    const colour = mapColour(state.x.flat());
    const marksOf = (i, j) => {
      if (chosen.kind === "output") {
        return chosen.at[0] === i && chosen.at[1] === j ? "here" : "";
      }
      return windowOf(state, i, j).some(([a, b]) => a === chosen.at[0] && b === chosen.at[1])
        ? "linked" : "";
    };
    y.title(`y, ${state.how}, ${rows} × ${columns}`);
    y.draw(rows, columns, (i, j) => {
      const value = now.out.data[i * columns + j];
      const title = `y[${i}, ${j}] = ${tidy(value)}`;
      return { text: brief(value, 4), title, ...colour(value), marks: `pickable ${marksOf(i, j)}` };
    });
    dy.title("dy, arrives");
    dy.draw(rows, columns, (i, j) => {
      const value = state.gradient[i][j];
      const title = `dy[${i}, ${j}] = ${tidy(value)}`;
      return { ...gradientCell(value), title, marks: marksOf(i, j) };
    });
  }

  /** One scale for dy and dx, so that what is spread is seen to be less; zeros are white. */
  function gradientCell(value) {
    const text = (value > 0 ? "+" : "") + brief(value, 4);
    return { text, colour: signed((0.7 * value) / now.largest) };
  }

  function outputLines() {
    const [i, j] = chosen.at;
    const places = windowOf(state, i, j);
    const values = places.map(([a, b]) => state.x[a][b]);
    const value = now.out.data[i * now.out.shape[2] + j];
    const arrived = state.gradient[i][j];
    if (state.how === "average") {
      const sum = values.map(bracketed).join(" + ");
      return [
        `y[${i}, ${j}] = (${sum}) / ${values.length} = ${tidy(value)}`,
        `dy[${i}, ${j}] = ${tidy(arrived)} is shared: each of the ${values.length} gets `
          + `${tidy(arrived)} / ${values.length} = ${tidy(arrived / values.length)}`,
      ];
    }
    const winner = places[values.indexOf(Math.max(...values))];
    const tied = values.filter((one) => one === Math.max(...values)).length;
    const rule = tied === 1 ? ""
      : ` · ${tied} values are tied: the first in row order wins, as in torch`;
    return [
      `y[${i}, ${j}] = max(${values.map(tidy).join(", ")}) = ${tidy(value)}`,
      `dy[${i}, ${j}] = ${tidy(arrived)} goes to the winner, x[${winner.join(", ")}], alone${rule}`,
    ];
  }

  function inputLines() {
    const [i, j] = chosen.at;
    const all = sources(state, i, j);
    const name = `dx[${i}, ${j}]`;
    if (all.length === 0) return [`x[${i}, ${j}] is in no window: no y depends on it, ${name} = 0`];
    const giving = state.how === "max" ? all.filter(({ won }) => won) : all;
    const lies = `x[${i}, ${j}] lies in ${all.length === 1 ? "the window" : "the windows"} of `
      + all.map(({ at }) => `y[${at.join(", ")}]`).join(", ");
    if (giving.length === 0) return [`${lies}, and wins none of them`, `${name} = 0`];
    const terms = giving.map(({ arrived }) => (state.how === "max"
      ? bracketed(arrived) : `${bracketed(arrived)}/${state.size ** 2}`));
    const sum = giving.reduce((total, { share }) => total + share, 0);
    const won = state.how === "max"
      ? `, and wins ${giving.length === all.length ? "" : `${giving.length} of them: `}`
        + giving.map(({ at }) => `y[${at.join(", ")}]`).join(", ") : "";
    return [lies + won, `${name} = ${terms.join(" + ")} = ${tidy(sum)}`];
  }

  // --- with the kernel of the notebook, if it lives ------------------------------------------
  function fromModel() {
    return structuredClone(Object.fromEntries(MIRRORED.map((name) => [name, model.get(name)])));
  }

  function mirror() {
    mirroring = true;
    for (const name of MIRRORED) model.set(name, state[name]);
    model.save_changes();
    mirroring = false;
  }

  function fromPython() {
    if (mirroring) return;
    state = fromModel();
    state.gradient = fittingGradient(state);
    if (question) ask();
    else settle();
  }

  for (const name of MIRRORED) model.on(`change:${name}`, fromPython);
  ask();
  return () => {
    play.stop();
    for (const name of MIRRORED) model.off(`change:${name}`, fromPython);
  };
}

/** The colour of a value of a map: cividis if none is negative, else blue, white, orange. */
function mapColour(values) {
  const largest = Math.max(1e-9, ...values.map(Math.abs));
  if (values.some((value) => value < 0)) {
    return (value) => ({ colour: signed((0.6 * value) / largest) });
  }
  return (value) => ({ colour: cividis(value / largest), dark: value < 0.45 * largest });
}

export default { render: pooling };
