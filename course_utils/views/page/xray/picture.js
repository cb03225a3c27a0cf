// What the X-ray shows, from what it is.
//
// A scene is { network, scales, values, before, chosen, channel, listing }: the network and the
// colour scales of its values; the values themselves (see network.js's activations()), or null
// where nothing is drawn; probabilities to compare with; and the unit whose sum is shown (unit.js).
import { show } from "../frame.js";
import { largest } from "../maps.js";
import { inkRange, receptiveField, shapeAt, trace } from "../network.js";
import { allNumbers } from "../sum.js";
import { fieldSize, reading, shortName, unitName } from "../words.js";
import { pathBack } from "./path.js";

/** The colour scale of values[at]: grey for the input, cividis for what is never negative. */
export function mapScales({ layers }) {
  const scales = ["grey"];
  layers.forEach(({ kind }, i) => {
    const before = scales[i] === "cividis" ? "cividis" : "signed";
    scales.push(kind === "relu" ? "cividis" : kind.endsWith("Pool2d") ? before : "signed");
  });
  return scales;
}

/**
 * { maps, probabilities, before, verdict }; maps[at] shows values[at]:
 * { data, low, top, scale, title }, the values at the ends of its colour scale among them.
 */
export function picture(scene) {
  const { network, values, before } = scene;
  const probabilities = values && Array.from(values.at(-1).data);
  const layers = network.layers.slice(0, -1);
  return {
    maps: [inputMap(scene), ...layers.map((layer, i) => layerMap(scene, i + 1))],
    probabilities,
    before,
    verdict: probabilities ? reading(network, probabilities) : "Nothing drawn: no prediction",
  };
}

function inputMap({ network, values }) {
  const [low, top] = inkRange(network);
  const nothing = () => new Float32Array(network.input[1] * network.input[2]).fill(low);
  return { data: values?.[0].data ?? nothing(), low, top, scale: "grey" };
}

function layerMap({ network, scales, values }, at) {
  const count = network.layers[at - 1].shape.reduce((product, side) => product * side, 1);
  const data = values?.[at].data ?? new Float32Array(count);
  const top = largest(data);
  const scale = scales[at];
  return scale === "signed"
    ? { data, low: -top, top, scale, title: `blue \u2212${show(top)}, orange ${show(top)}` }
    : { data, low: 0, top, scale, title: `0 to ${show(top)}` };
}

/**
 * The sum behind the unit that is chosen: { name, value, sees, found, channel, scale, names,
 * numbers, listing, bar, marks, steps }; null where there is none. numbers: all its products, if it
 * has many; bar: which one is marked; marks: { at, name, tile, part } for parts of the maps; steps:
 * the way back to the pixels (path.js).
 */
export function sumPicture(scene) {
  const { network, values, chosen, channel, listing } = scene;
  if (!values || !chosen?.at) return null;
  const { at, unit } = chosen;
  const found = trace(network, values, at, unit);
  const names = { unit: (i) => shortName(shapeAt(network, at - 1), i) };
  const isBar = at === network.layers.length;
  const layer = network.layers[at - 1];
  const steps = pathBack(network, values, chosen, channel);
  return {
    name: isBar ? unitName(network, at, unit) : `${layer.name}, ${shortName(layer.shape, unit)}`,
    value: `= ${show(found.value)}`,
    sees: `it sees ${fieldSize(network, at, unit)}`,
    found, channel, names, listing,
    scale: scaleOf(scene, at - 1),
    numbers: allNumbers(found, names),
    bar: isBar ? unit : null,
    marks: marksOf(network, chosen, steps),
    steps,
  };
}

/** The colours of a window of values[at]: those of the whole layer. */
function scaleOf({ network, scales, values }, at) {
  if (at > 0) return { name: scales[at], low: 0, top: largest(values[at].data) };
  const [low, top] = inkRange(network);
  return { name: "grey", low, top };
}

/** The unit in its map, what it sees of the maps before, and its receptive field in the input. */
function marksOf(network, { at, unit }, [here, ...before]) {
  const field = { at: 0, name: "field", tile: 0, part: receptiveField(network, at, unit) };
  const name = (step) => (step.at === at - 1 ? "source" : "way");
  const between = before.filter((step) => step.at > 0);
  return [
    { ...here, name: "here" }, field, ...between.map((step) => ({ ...step, name: name(step) })),
  ];
}

/** Where in the input the ink has its centre of mass, as shares of its width and height. */
export function centreOf({ pad, input }, { middle }) {
  return middle.map((pixel) => (pixel + pad) / input[2]);
}
