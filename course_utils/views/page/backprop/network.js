// A network of two layers of sigmoids and its loss, as lesson 04 has them: forward, backward, and
// a step of descent. Pure functions; every quantity is a matrix, a list of rows of numbers.

export const PARAMETERS = ["W1", "b1", "W2", "b2"];

/** All that one pass forward and one backward compute, by name; X, y and the parameters too. */
export function passes({ X, y, W1, b1, W2, b2 }) {
  const z1 = plusRow(product(X, W1), b1[0]);
  const a1 = each(sigmoid, z1);
  const z2 = plusRow(product(a1, W2), b2[0]);
  const y_hat = each(sigmoid, z2);
  const dy_hat = each((answer, target) => (answer - target) / X.length, y_hat, y);
  const dz2 = each(throughSigmoid, dy_hat, y_hat);
  const da1 = product(dz2, turned(W2));
  const dz1 = each(throughSigmoid, da1, a1);
  return {
    X, y, W1, b1, W2, b2,
    z1, a1, z2, y_hat, L: [[loss(y_hat, y)]],
    dL: [[1]], dy_hat, dz2, dW2: product(turned(a1), dz2), db2: [columnSums(dz2)],
    da1, dz1, dW1: product(turned(X), dz1), db1: [columnSums(dz1)],
    dX: product(dz1, turned(W1)),
  };
}

/** The parameters after one step against their derivatives. */
export function descended(net, rate) {
  const moved = (name) => each((p, dp) => p - rate * dp, net[name], net[`d${name}`]);
  return Object.fromEntries(PARAMETERS.map((name) => [name, moved(name)]));
}

function sigmoid(z) {
  return 1 / (1 + Math.exp(-z));
}

function throughSigmoid(da, a) {
  return da * a * (1 - a);
}

/** Half the mean squared error. */
function loss(y_hat, y) {
  const squares = y_hat.map(([answer], n) => (answer - y[n][0]) ** 2);
  return sum(squares) / (2 * squares.length);
}

/** A function of the numbers that stand in the same place of some matrices. */
function each(f, first, ...others) {
  return first.map((row, i) => row.map((v, j) => f(v, ...others.map((other) => other[i][j]))));
}

function product(left, right) {
  return left.map((row) => right[0].map((_, j) => sum(row.map((v, k) => v * right[k][j]))));
}

function turned(matrix) {
  return matrix[0].map((_, j) => matrix.map((row) => row[j]));
}

function plusRow(matrix, added) {
  return matrix.map((row) => row.map((v, j) => v + added[j]));
}

function columnSums(matrix) {
  return turned(matrix).map(sum);
}

function sum(values) {
  return values.reduce((total, value) => total + value, 0);
}
