// From a drawing to a digit as MNIST was made: scaled into a box of 20×20 pixels, its lines 2 wide,
// and placed by its centre of mass into 28×28. The ink is computed here, not read from a canvas: so
// it is the same in every browser, whatever its screen or its protection of the user's privacy.
//
// A drawing is a list of strokes on a pad of 280×280: { width, points: [[x, y], …] }, or a
// finished picture { picture: 784 bytes, points: [[left, top]] }, each of its pixels 10 wide.

export const SIDE = 280;
const PIXEL = SIDE / 28;
const BOX = 20;
/** How wide lines become there: about as wide as in MNIST, whatever the pen on the pad was. */
const LINE = 2;
/** One pixel of the digit is the mean of FINE×FINE fine ones: that makes the edges soft. */
const FINE = 8;

/**
 * The digit in a drawing: { bytes (28×28), box, middle }, or null where there is no ink.
 * centring: as MNIST was made; otherwise the pad as it is. box is { left, top, right, bottom }
 * on the pad, middle the [x, y] in the digit where the ink has its centre of mass.
 */
export function prepare(strokes, centring) {
  const box = around(strokes, true);
  if (!box) return null;
  const grid = centring ? inBox(strokes) : asItIs(strokes);
  const mass = centreOfMass(grid);
  if (!mass) return null;
  const sides = [grid.columns, grid.rows];
  const shift = centring ? sides.map((side, i) => inward(mass[i], side)) : [0, 0];
  const middle = mass.map((fine, i) => (fine + shift[i]) / FINE);
  const bytes = blocks(grid, shift);
  return bytes.some((byte) => byte > 0) ? { bytes, box, middle } : null;
}

function asItIs(strokes) {
  return ink(strokes, { left: 0, top: 0, right: SIDE, bottom: SIDE }, FINE / PIXEL);
}

/** The ink scaled into the box, its lines made LINE wide. */
function inBox(strokes) {
  const { left, top, right, bottom } = around(strokes, false);
  const pen = strokes.some(({ picture }) => !picture) ? LINE : 0;
  // What is hardly longer than a pen is wide is a dot, and is not made a digit of.
  const side = Math.max(right - left, bottom - top, PIXEL * pen);
  const scale = ((BOX - pen) * FINE) / side;
  const r = (pen / 2) * (FINE / scale);
  const seen = { left: left - r, top: top - r, right: right + r, bottom: bottom + r };
  return ink(strokes.map((stroke) => ({ ...stroke, width: 2 * r })), seen, scale);
}

/** How far to shift so that the centre of mass lies in the middle, and no ink outside. */
function inward(mass, side) {
  const wanted = Math.round(14 * FINE - mass);
  return Math.min(Math.max(wanted, 0), 28 * FINE - side);
}

/** The rectangle around all that is on the pad, with the pens' width or without; or null. */
function around(strokes, pens) {
  const box = { left: SIDE, top: SIDE, right: 0, bottom: 0 };
  const inside = (place) => Math.min(SIDE, Math.max(0, place));
  for (const { sides: [left, top, right, bottom], r } of strokes.flatMap(pieces)) {
    if (right + r <= 0 || bottom + r <= 0 || left - r >= SIDE || top - r >= SIDE) continue;
    const more = pens ? r : 0;
    box.left = Math.min(box.left, inside(left - more));
    box.top = Math.min(box.top, inside(top - more));
    box.right = Math.max(box.right, inside(right + more));
    box.bottom = Math.max(box.bottom, inside(bottom + more));
  }
  return box.right < box.left ? null : box;
}

/**
 * Rectangles around the pieces of a stroke, from point to point, with the radius r of the pen
 * around them; or around the pixels of a picture that have ink.
 */
function pieces({ width, points, picture }) {
  if (!picture) {
    return points.map(([x, y], i) => {
      const [x0, y0] = points[Math.max(0, i - 1)];
      const sides = [Math.min(x, x0), Math.min(y, y0), Math.max(x, x0), Math.max(y, y0)];
      return { sides, r: width / 2 };
    });
  }
  const [[left, top]] = points;
  const inked = Array.from(picture.keys()).filter((i) => picture[i]);
  return inked.map((i) => {
    const [x, y] = [left + (i % 28) * PIXEL, top + Math.floor(i / 28) * PIXEL];
    return { sides: [x, y, x + PIXEL, y + PIXEL], r: 0 };
  });
}

/** The ink, 0 to 1, of a part of the pad on a grid of fine pixels, scale of them a unit. */
function ink(strokes, { left, top, right, bottom }, scale) {
  const columns = Math.round((right - left) * scale) || 1;
  const rows = Math.round((bottom - top) * scale) || 1;
  const grid = { columns, rows, data: new Float64Array(columns * rows) };
  for (const { width, points, picture } of strokes) {
    const placed = points.map(([x, y]) => [(x - left) * scale, (y - top) * scale]);
    if (picture) stamp(grid, picture, placed[0], PIXEL * scale);
    else placed.forEach((to, i) => line(grid, placed[Math.max(0, i - 1)], to, (width / 2) * scale));
  }
  return grid;
}

/** A line with round ends; a pixel that its edge crosses is covered in part. */
function line({ columns, rows, data }, [x0, y0], [x1, y1], radius) {
  const [dx, dy] = [x1 - x0, y1 - y0];
  const length2 = dx * dx + dy * dy || 1;
  const first = (a, b) => Math.max(0, Math.floor(Math.min(a, b) - radius - 1));
  const last = (a, b, most) => Math.min(most - 1, Math.ceil(Math.max(a, b) + radius + 1));
  for (let row = first(y0, y1); row <= last(y0, y1, rows); row++) {
    for (let column = first(x0, x1); column <= last(x0, x1, columns); column++) {
      const [x, y] = [column + 0.5 - x0, row + 0.5 - y0];
      const along = Math.min(1, Math.max(0, (x * dx + y * dy) / length2));
      const distance = Math.sqrt((x - along * dx) ** 2 + (y - along * dy) ** 2);
      const covered = Math.min(1, radius + 0.5 - distance);
      const i = row * columns + column;
      if (covered > data[i]) data[i] = covered;
    }
  }
}

/** A finished picture of 28×28, its pixels so many fine ones wide. */
function stamp({ columns, rows, data }, picture, [left, top], pixel) {
  for (let row = 0; row < rows; row++) {
    const y = Math.floor((row + 0.5 - top) / pixel);
    if (y < 0 || y > 27) continue;
    for (let column = 0; column < columns; column++) {
      const x = Math.floor((column + 0.5 - left) / pixel);
      if (x < 0 || x > 27) continue;
      const i = row * columns + column;
      data[i] = Math.max(data[i], picture[28 * y + x] / 255);
    }
  }
}

/** [x, y] in fine pixels, or null if there is no ink. */
function centreOfMass({ columns, data }) {
  let [all, x, y] = [0, 0, 0];
  data.forEach((value, i) => {
    all += value;
    x += value * ((i % columns) + 0.5);
    y += value * (Math.floor(i / columns) + 0.5);
  });
  return all > 0 ? [x / all, y / all] : null;
}

/** 28×28 bytes: the mean of each block of FINE×FINE, the grid shifted by whole fine pixels. */
function blocks({ columns, rows, data }, [right, down]) {
  const sums = new Float64Array(28 * 28);
  for (let row = 0; row < rows; row++) {
    const y = Math.floor((row + down) / FINE);
    for (let column = 0; column < columns; column++) {
      sums[28 * y + Math.floor((column + right) / FINE)] += data[row * columns + column];
    }
  }
  return Uint8Array.from(sums, (sum) => Math.round((255 * sum) / FINE ** 2));
}

/** How many digits there seem to be: drawings side by side, each more than half as high as all. */
export function digitsBeside(strokes) {
  const boxes = strokes.map((stroke) => around([stroke], true)).filter(Boolean);
  const high = Math.max(...boxes.map(({ bottom }) => bottom))
    - Math.min(...boxes.map(({ top }) => top));
  const drawings = [];
  for (const box of boxes.sort((one, other) => one.left - other.left)) {
    const last = drawings[drawings.length - 1];
    if (!last || box.left > last.right) {
      drawings.push(box);
      continue;
    }
    last.top = Math.min(last.top, box.top);
    last.right = Math.max(last.right, box.right);
    last.bottom = Math.max(last.bottom, box.bottom);
  }
  return drawings.filter(({ top, bottom }) => bottom - top > high / 2).length;
}

/** The same strokes, moved by so many pixels of the digit. */
export function moved(strokes, right, down) {
  return strokes.map((stroke) => ({
    ...stroke,
    points: stroke.points.map(([x, y]) => [x + right * PIXEL, y + down * PIXEL]),
  }));
}
