// All the maps of a layer in one picture, a mosaic on one colour scale; and the way from a point
// of it, or from an arrow key, to a unit and back. A mosaic's plan says where everything stands in
// it: { count, high, wide, columns, rows, zoom, gap, width, height }; zoom is a unit's side in
// pixels, a multiple of a half.
import { h, signed, cividis, grey } from "./frame.js";

/** The plan for so many columns, units of so many pixels, and so wide a gap between maps. */
export function arranged(count, high, wide, columns, zoom, gap = high * wide === 1 ? 1 : 2) {
  const rows = Math.ceil(count / columns);
  const width = columns * (wide * zoom + gap) - gap;
  const height = rows * (high * zoom + gap) - gap;
  return { count, high, wide, columns, rows, zoom, gap, width, height };
}

/** The unit at a point of the mosaic, in its pixels; null beside the tiles. */
export function unitAt({ count, high, wide, columns, zoom, gap }, x, y) {
  const [across, down] = [wide * zoom + gap, high * zoom + gap];
  const [tileColumn, tileRow] = [Math.floor(x / across), Math.floor(y / down)];
  const column = Math.min(wide - 1, Math.floor((x - tileColumn * across) / zoom));
  const row = Math.min(high - 1, Math.floor((y - tileRow * down) / zoom));
  const tile = tileRow * columns + tileColumn;
  if (x < 0 || y < 0 || tileColumn >= columns || tile >= count) return null;
  return (tile * high + row) * wide + column;
}

/** The unit beside a unit, over the border of its map if need be; itself at the mosaic's edge. */
export function neighbour({ count, high, wide, columns, rows }, unit, right, down) {
  const tile = Math.floor(unit / (high * wide));
  const x = (tile % columns) * wide + (unit % wide) + right;
  const y = Math.floor(tile / columns) * high + (Math.floor(unit / wide) % high) + down;
  const next = Math.floor(y / high) * columns + Math.floor(x / wide);
  if (x < 0 || y < 0 || x >= columns * wide || y >= rows * high || next >= count) return unit;
  return (next * high + (y % high)) * wide + (x % wide);
}

/** Left, top, width and height, in pixels of the mosaic, of a part of one tile. */
function rectangle({ high, wide, columns, zoom, gap }, tile, { top, bottom, left, right }) {
  const x = (tile % columns) * (wide * zoom + gap) + left * zoom;
  const y = Math.floor(tile / columns) * (high * zoom + gap) + top * zoom;
  return [x, y, (right - left + 1) * zoom, (bottom - top + 1) * zoom];
}

/** Colour scales: of a value and the largest one of its layer, as CSS colour. */
export const SCALES = {
  signed: (value, top) => signed(value / top),
  cividis: (value, top) => cividis(value / top),
  grey: (value, top, low) => grey((value - low) / (top - low)),
};

/** 256 colours of a scale as pixels (four bytes in a number), from the lowest value on. */
const palette = Object.fromEntries(
  Object.entries({ signed: [-1, signed], cividis: [0, cividis], grey: [0, grey] }).map(
    ([name, [low, colour]]) => [name, Uint32Array.from({ length: 256 }, (_, i) => {
      const [red, green, blue] = colour(low + ((1 - low) * i) / 255).match(/\d+/g).map(Number);
      return 0xff000000 | (blue << 16) | (green << 8) | red;
    })],
  ),
);
const GAP_COLOUR = 0xffb0b0b0;
/** Finer than it is shown, so that it is sharp on every screen and at every size. */
const FINER = 2;

/**
 * A mosaic on the page: { node, canvas, plan, arrange(plan), paint(data, low, top, scale),
 * mark(name, tile, part), unmark(), box(tile, part) }.
 *
 * scale: "signed", "cividis" or "grey"; low and top: the values at its ends. part: rows and
 * columns of a tile, as receptiveField() gives them; box: where it is in the window.
 */
export function mosaic(plan, defaultScale) {
  const canvas = h("canvas", { class: "mosaic-canvas" });
  const node = h("div", { class: "mosaic" }, canvas);
  const marks = {};
  let picture;

  function arrange(next) {
    self.plan = next;
    Object.assign(canvas, { width: FINER * next.width, height: FINER * next.height });
    canvas.classList.toggle("uneven", !Number.isInteger(next.zoom));
    node.style.setProperty("--width", next.width);
    picture = new ImageData(canvas.width, canvas.height);
  }

  function paint(data, low, top, scale = defaultScale) {
    fill(new Uint32Array(picture.data.buffer), self.plan, palette[scale], { data, low, top });
    canvas.getContext("2d").putImageData(picture, 0, 0);
  }

  function mark(name, tile, part) {
    if (!marks[name]) node.append((marks[name] = h("div", { class: `mosaic-mark ${name}` })));
    marks[name].hidden = false;
    const [x, y, width, height] = shares(self.plan, tile, part);
    const sides = { left: x, top: y, width, height };
    for (const [side, share] of Object.entries(sides)) {
      marks[name].style[side] = `${100 * share}%`;
    }
  }

  function unmark() {
    for (const mark of Object.values(marks)) mark.hidden = true;
  }

  function box(tile, part) {
    const rect = canvas.getBoundingClientRect();
    const [x, y, width, height] = shares(self.plan, tile, part);
    const [left, top] = [rect.left + x * rect.width, rect.top + y * rect.height];
    return { left, top, right: left + width * rect.width, bottom: top + height * rect.height };
  }

  const self = { node, canvas, arrange, paint, mark, unmark, box };
  arrange(plan);
  return self;
}

/** Left, top, width and height of a part of a tile as shares of the whole mosaic. */
function shares(plan, tile, part) {
  const [x, y, width, height] = rectangle(plan, tile, part);
  return [x / plan.width, y / plan.height, width / plan.width, height / plan.height];
}

/** Colours for the pixels of a mosaic, in row order: each unit a square, with gaps between maps. */
function fill(pixels, { count, high, wide, columns, zoom, gap, width }, colours, values) {
  const { data, low, top } = values;
  const [side, between] = [FINER * zoom, FINER * gap];
  const step = 255 / (top - low || 1);
  pixels.fill(GAP_COLOUR);
  for (let unit = 0; unit < count * high * wide; unit++) {
    const level = Math.max(0, Math.min(255, Math.round((data[unit] - low) * step)));
    const tile = Math.floor(unit / (high * wide));
    const [row, column] = [Math.floor(unit / wide) % high, unit % wide];
    const x = (tile % columns) * (wide * side + between) + column * side;
    const y = Math.floor(tile / columns) * (high * side + between) + row * side;
    for (let i = 0; i < side; i++) {
      const from = (y + i) * FINER * width + x;
      pixels.fill(colours[level], from, from + side);
    }
  }
}

/** The largest size of a value, sign aside; 1 where all are 0. */
export function largest(values) {
  return values.reduce((most, value) => Math.max(most, Math.abs(value)), 0) || 1;
}
