// All the maps of a layer in one picture, a mosaic on one colour scale; and the way from a point
// of it, or from an arrow key, to a unit and back.
import { h, signed, cividis, grey } from "./frame.js";

/** How large a mosaic may become, in pixels. */
const ROOM = { maps: { width: 172, height: 130 }, units: { width: 172, height: 56 } };
const LARGEST_ZOOM = 16;

/**
 * Where everything stands in the mosaic of values of this shape, [C, H, W] or [n]:
 * { count, high, wide, columns, rows, zoom, gap, width, height }; zoom is a unit's side in pixels.
 */
export function layout(shape) {
  const [count, high, wide] = shape.length === 1 ? [shape[0], 1, 1] : shape;
  const room = shape.length === 1 ? ROOM.units : ROOM.maps;
  const narrow = best(count, high, wide, room);
  // Very many units stand without gaps, as far down as they go.
  if (shape.length === 1) return narrow ?? arranged(count, 1, 1, room.width, 1, 0);
  if (narrow?.zoom >= 2) return narrow;
  // Many large maps may be as wide as two mosaics, if they become larger by that.
  const broad = best(count, high, wide, { width: 2 * room.width + 12, height: room.height });
  if (!narrow || broad?.zoom > narrow.zoom) return broad ?? arranged(count, high, wide, 8, 1);
  return narrow;
}

/** The arrangement with the largest units that fits into the room; then with the fewest holes. */
function best(count, high, wide, room) {
  let found = null;
  for (let columns = 1; columns <= count; columns++) {
    for (let zoom = LARGEST_ZOOM; zoom >= 1; zoom--) {
      const tried = arranged(count, high, wide, columns, zoom);
      if (tried.width > room.width || tried.height > room.height) continue;
      const holes = columns * tried.rows - count;
      const better = !found || zoom > found.zoom || (zoom === found.zoom && holes <= found.holes);
      if (better) found = { ...tried, holes };
      break;
    }
  }
  return found;
}

/** The same for so many columns, units of so many pixels, and so wide a gap between maps. */
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
 * A mosaic on the page: { node, canvas, plan, paint(data, low, top), mark(name, tile, part),
 * unmark() }.
 *
 * scale: "signed", "cividis" or "grey"; low and top: the values at its ends. part: rows and
 * columns of a tile, as receptiveField() gives them.
 */
export function mosaic(plan, scale) {
  const size = { width: FINER * plan.width, height: FINER * plan.height };
  const canvas = h("canvas", { ...size, class: "mosaic-canvas" });
  const node = h("div", { class: "mosaic", style: `--width: ${plan.width}` }, canvas);
  const picture = new ImageData(size.width, size.height);
  const pixels = new Uint32Array(picture.data.buffer);
  const marks = {};

  function paint(data, low, top) {
    fill(pixels, plan, palette[scale], { data, low, top });
    canvas.getContext("2d").putImageData(picture, 0, 0);
  }

  function mark(name, tile, part) {
    if (!marks[name]) node.append((marks[name] = h("div", { class: `mosaic-mark ${name}` })));
    marks[name].hidden = false;
    const [x, y, width, height] = rectangle(plan, tile, part);
    const sides = { left: x / plan.width, top: y / plan.height };
    Object.assign(sides, { width: width / plan.width, height: height / plan.height });
    for (const [side, share] of Object.entries(sides)) {
      marks[name].style[side] = `${100 * share}%`;
    }
  }

  function unmark() {
    for (const one of Object.values(marks)) one.hidden = true;
  }

  return { node, canvas, plan, paint, mark, unmark };
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
