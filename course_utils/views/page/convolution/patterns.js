// Images and kernels to choose from.

/** For images of a height and a width: the value at a row and a column. */
export const IMAGES = {
  "step edge": (height, width) => (y, x) => Number(x >= width / 2),
  "level edge": (height) => (y) => Number(y >= height / 2),
  "mirrored step": (height, width) => (y, x) => Number(x < width / 2),
  "one pixel": (height, width) => (y, x) =>
    Number(y === Math.floor((height - 1) / 2) && x === Math.floor((width - 1) / 2)),
  "slanted edge": (height) => (y, x) => Number(x + y >= height),
};

export const KERNELS = {
  "rows −1 0 1": [[-1, 0, 1], [-1, 0, 1], [-1, 0, 1]],
  "turned": [[-1, -1, -1], [0, 0, 0], [1, 1, 1]],
  "edge": [[0, -1, 0], [-1, 4, -1], [0, -1, 0]],
  "blur": [[1 / 9, 1 / 9, 1 / 9], [1 / 9, 1 / 9, 1 / 9], [1 / 9, 1 / 9, 1 / 9]],
  "sharpen": [[0, -1, 0], [-1, 5, -1], [0, -1, 0]],
  "emboss": [[-1, -1, 0], [-1, 1, 1], [0, 1, 1]],
};
