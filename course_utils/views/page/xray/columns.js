// Where the layers of a network stand: a column of maps for each, from left to right; on a narrow
// page a row for each, from top to bottom. "Along" is along such a column or row.
import { arranged } from "../maps.js";

/** What stands between two layers, and what a layer takes at least: its name is so wide. */
const BETWEEN = 8;
const BEFORE_KERNEL = 32;
const LEAST = 44;
/** A map's side, or a unit's in a fully connected layer: what is easy to read, what is enough,
    and the largest there is, as shares of the longest column. */
const SIDES = {
  map: { readable: 0.07, enough: 0.18, largest: 0.35 },
  unit: { readable: 0.017, enough: 0.035, largest: 0.097 },
};
/** So many units of a layer stand without gaps. */
const MANY = 1500;

/**
 * { plans, lines }: how the maps of each layer are arranged (see maps.js), and in how many lines
 * of layers. layers: { kind, shape }. lengths: how long a column of maps may be, the best first.
 * room: what all layers may take together, side by side. down: they stand below one another.
 */
export function arrange(layers, { room, lengths, down = false }) {
  const fit = (options) => fitted(layers, { longest: lengths[0], down, ...options });
  for (const [small, lines] of [[false, 1], [false, 2], [true, 1], [true, 2], [true, 3]]) {
    // A line ends where the next layer has no room: on the average half a layer before its end.
    const all = lines === 1 ? room : 0.85 * lines * room;
    for (const whole of lengths) {
      const length = lines === 1 ? whole : Math.max(30, whole / lines - 2 * BETWEEN);
      const plans = fit({ room: all, length, small });
      if (spaceOf(layers, plans, down) <= all) return { plans, lines };
    }
  }
  const plans = fit({ room, length: lengths[0] / 3, small: true });
  return { plans: plans.map((plan) => within(plan, room)), lines: 3 };
}

/** All layers as large as possible: some become smaller until they have room. */
function fitted(layers, options) {
  const { room, down } = options;
  // Layers of as many maps are arranged alike: a map stands beside what becomes of it.
  const groups = new Map();
  for (const { shape } of layers) {
    const group = groups.get(groupOf(shape)) ?? { shapes: [] };
    groups.set(groupOf(shape), group);
    group.shapes.push(shape);
  }
  const all = [...groups.values()];
  for (const group of all) {
    group.layouts = layoutsOf(group.shapes, options);
    group.at = 0; // which of them
  }
  const plans = () => layers.map(({ shape }) => {
    const { layouts, at } = groups.get(groupOf(shape));
    return layouts[at].get(`${shape}`);
  });
  const isTooWide = () => spaceOf(layers, plans(), down) > room;
  while (isTooWide()) {
    const left = all.filter(({ layouts, at }) => at < layouts.length - 1);
    if (!left.length) break;
    left.reduce((first, one) => (cost(one, down) > cost(first, down) ? one : first)).at += 1;
  }
  // What the last step has left over may do for one that came before it.
  for (const group of all) {
    while (group.at > 0) {
      group.at -= 1;
      if (!isTooWide()) continue;
      group.at += 1;
      break;
    }
  }
  return plans();
}

/** The larger it is, the earlier these layers become smaller; units without neighbours do first. */
function cost({ shapes, layouts, at }, down) {
  const plans = Array.from(layouts[at].values());
  const width = Math.max(...plans.map((plan) => across(plan, down)));
  return kindOf(shapes[0]) === "unit" && width > LEAST ? 10_000 + width : width;
}

function groupOf(shape) {
  return `${shape[0]} ${kindOf(shape)}`;
}

function kindOf([, high = 1, wide = 1]) {
  return high * wide === 1 ? "unit" : "map";
}

/** The ways to arrange layers of as many maps, the largest first: a plan for each shape. */
function layoutsOf(shapes, { length, longest, down, small }) {
  const { readable, enough } = SIDES[kindOf(shapes[0])];
  const layouts = [];
  for (let lines = 1; lines <= shapes[0][0]; lines++) {
    const zooms = zoomsOf(shapes, Math.ceil(shapes[0][0] / lines), { length, longest, down });
    const side = zooms[0] * sideOf(shapes[0], down);
    if (Math.min(...zooms) < 0.5 || side <= (layouts[0]?.side ?? 0)) continue;
    if (layouts.length && side > enough * longest) break;
    if (!small && layouts[0]?.side < readable * longest) layouts.shift();
    const plans = shapes.map((shape, i) => planOf(shape, lines, zooms[i], down));
    layouts.unshift({ side, plans });
  }
  if (!layouts.length) {
    layouts.push({ plans: shapes.map((shape) => planOf(shape, shape[0], 1, down)) });
  }
  return layouts.map(({ plans }) => new Map(shapes.map((shape, i) => [`${shape}`, plans[i]])));
}

/** How many pixels a unit of each shape gets, so that so many maps have room in a line. */
function zoomsOf(shapes, inLine, { length, longest, down }) {
  const gap = gapOf(shapes[0]);
  const most = SIDES[kindOf(shapes[0])].largest * longest;
  const room = Math.min(most, (length + gap) / inLine - gap);
  const zooms = shapes.map((shape) => halves(room / sideOf(shape, down)));
  const side = Math.min(...shapes.map((shape, i) => zooms[i] * sideOf(shape, down)));
  return zooms.map((zoom, i) => Math.min(zoom, Math.round(2 * side / sideOf(shapes[i], down)) / 2));
}

function planOf([count, high = 1, wide = 1], lines, zoom, down) {
  const columns = down ? Math.ceil(count / lines) : lines;
  return arranged(count, high, wide, columns, zoom, gapOf([count, high, wide]));
}

function gapOf(shape) {
  if (kindOf(shape) === "map") return 2;
  return shape[0] > MANY ? 0 : 1;
}

function sideOf([, high = 1, wide = 1], down) {
  return down ? wide : high;
}

function halves(number) {
  return Math.floor(2 * number) / 2;
}

function across(plan, down) {
  return down ? plan.height : plan.width;
}

/** What all layers take side by side, with what stands before each. */
function spaceOf(layers, plans, down) {
  return layers.reduce((sum, { kind }, i) => (
    sum + Math.max(LEAST, across(plans[i], down)) + (kind === "conv2d" ? BEFORE_KERNEL : BETWEEN)
  ), 0);
}

/** A plan no wider than the room, however long it becomes. */
function within(plan, room) {
  const { count, high, wide, zoom, gap, width } = plan;
  if (width <= room) return plan;
  const columns = Math.max(1, Math.floor((room + gap) / (wide * zoom + gap)));
  return arranged(count, high, wide, columns, zoom, gap);
}
