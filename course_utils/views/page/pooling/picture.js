// What the pooling stepper shows, from what it is: grids for grid.js, and lines of text.
//
// A scene is { state, out, back, winners, seen, chosen, marks, shown, hidden }: the state and what
// follows from it (see state.js); the output or input that is chosen, { kind, at }; the inputs that
// are marked as an answer; how many outputs have given back; whether a question hides the rest.
import { cividis, signed } from "../frame.js";
import { brief, isAt, sides, tidy } from "../numbers.js";
import { gradientBack, windowOf } from "./state.js";
import { trace } from "./words.js";

/** { x, y, dy, dx, trace } */
export function picture(scene) {
  const { state, back, shown } = scene;
  const colour = mapColour(state.x.flat());
  const gradient = gradientCells(state, back);
  const now = shown === Infinity ? back : gradientBack(state, shown);
  return {
    x: inputGrid(scene, colour),
    y: outputGrid(scene, colour),
    dy: arrivingGrid(scene, gradient),
    dx: returningGrid(scene, gradient, now.data),
    trace: trace(scene),
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

/** One scale for dy and dx, so that what is spread is seen to be less; zeros are white. */
function gradientCells({ gradient }, back) {
  const all = gradient.flat().concat(...back.data);
  const largest = Math.max(1e-9, ...all.map(Math.abs));
  return (value) => ({
    text: (value > 0 ? "+" : "") + brief(value, 4),
    colour: signed((0.7 * value) / largest),
  });
}

function inputGrid({ state, winners, seen, chosen, marks, hidden }, colour) {
  const [height, width] = sides(state.x);
  const won = new Set(state.how === "max" && !hidden ? winners : []);
  return {
    title: `x, ${height} × ${width}`,
    size: [height, width],
    frame: windowFrame(state, chosen),
    cell(i, j) {
      const [value, n] = [state.x[i][j], i * width + j];
      const rings = [won.has(n) ? "winner" : "", marks.has(n) ? "marked" : ""];
      const here = isHere("input", chosen, i, j);
      return {
        text: brief(value, 4),
        title: `x[${i}, ${j}] = ${tidy(value)}`,
        ...colour(value),
        marks: [here, ...rings, seen.has(n) ? "" : "unseen"].join(" "),
      };
    },
  };
}

function returningGrid({ state, chosen, hidden }, gradient, data) {
  const [height, width] = sides(state.x);
  return {
    title: "dx, goes back",
    size: [height, width],
    frame: hidden ? null : windowFrame(state, chosen),
    cell(i, j) {
      const value = data[i * width + j];
      const marks = ["pickable", isHere("input", chosen, i, j)].join(" ");
      if (hidden) return { text: "?", marks };
      return { ...gradient(value), title: `dx[${i}, ${j}] = ${tidy(value)}`, marks };
    },
  };
}

function outputGrid({ state, out, chosen }, colour) {
  const [, rows, columns] = out.shape;
  return {
    title: `y, ${state.how}, ${rows} × ${columns}`,
    size: [rows, columns],
    cell(i, j) {
      const value = out.data[i * columns + j];
      const title = `y[${i}, ${j}] = ${tidy(value)}`;
      const marks = `pickable ${markOfOutput(state, chosen, i, j)}`;
      return { text: brief(value, 4), title, ...colour(value), marks };
    },
  };
}

function arrivingGrid({ state, chosen }, gradient) {
  return {
    title: "dy, arrives",
    size: sides(state.gradient),
    cell(i, j) {
      const value = state.gradient[i][j];
      const title = `dy[${i}, ${j}] = ${tidy(value)}`;
      return { ...gradient(value), title, marks: markOfOutput(state, chosen, i, j) };
    },
  };
}

/** The window of the output that is chosen, in x and dx; null for an input. */
function windowFrame({ size, stride }, { kind, at }) {
  return kind === "output" ? [...at.map((k) => k * stride), size, size] : null;
}

function isHere(kind, chosen, i, j) {
  return chosen.kind === kind && isAt(chosen.at, i, j) ? "here" : "";
}

/** An output is marked if it is chosen, or if the input that is chosen lies in its window. */
function markOfOutput(state, chosen, i, j) {
  if (chosen.kind === "output") return isHere("output", chosen, i, j);
  return windowOf(state, i, j).some((place) => isAt(chosen.at, ...place)) ? "linked" : "";
}
