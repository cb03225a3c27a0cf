// The question of the convolution stepper: a row of its output, which is hidden until then.

/** For `predict` of frame.js: the row in which the window is, at being [row, column]. */
export function rowQuestion({ state, out, at: [row] }) {
  const columns = out.shape[2];
  const name = row === 0 ? "first row" : `row ${row}`;
  return {
    question: `with stride ${state.stride}, what is the ${name} of the output?`,
    solution: Array.from(out.data.slice(row * columns, (row + 1) * columns)),
    tolerance: 0.01,
  };
}
