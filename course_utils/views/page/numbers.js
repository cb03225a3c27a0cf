// Numbers as the steppers write them, and as readers type them.
import { show } from "./frame.js";
import { LARGEST } from "./sizes.js";

/** A result as people write it: what only rounding has left of a zero is zero. */
export function tidy(value) {
  return show(Math.abs(value) < 1e-6 ? 0 : value);
}

/** The same, or as `write` has it, in brackets where a sign would stand beside another: 3·(−1). */
export function bracketed(value, write = tidy) {
  return value < 0 ? `(${write(value)})` : write(value);
}

/** The same in few characters, for a small cell. */
export function brief(value, room = 5) {
  let text = tidy(value);
  for (let places = 3; text.length > room && places >= 0; places--) {
    text = tidy(Number(value.toFixed(places)));
  }
  return text;
}

/** The number that a text means: −1, 0.5, 0,5 or 1/9; null if it is none, or too large to show. */
export function typed(text) {
  const plain = text.trim().replaceAll("\u2212", "-").replaceAll(",", ".");
  if (!/^[-+]?(\d+\.?\d*|\.\d+)(\/\d+\.?\d*)?$/.test(plain)) return null;
  const [above, below = 1] = plain.split("/").map(Number);
  const value = above / below;
  return Math.abs(value) <= LARGEST ? value : null;
}

/** Whether a text may still become a number: "-", "1/" or nothing at all. */
export function unfinished(text) {
  return /^\s*[-\u2212+]?\d*[.,]?\d*\/?\s*$/.test(text) && typed(text) === null;
}

/** What to say of a text that is no number for a place such as x[0, 1]. */
export function typedProblem(text, place) {
  const written = text.trim() === "" ? "Nothing" : `“${text.trim()}”`;
  return `${written} is not a number from −${LARGEST} to ${LARGEST}, so ${place} stays.`;
}

/** A phrase as a sentence: "a stride of 9 …" becomes "A stride of 9 …."; "" stays. */
export function asSentence(phrase) {
  return phrase && `${phrase[0].toUpperCase()}${phrase.slice(1)}.`;
}

/** The index, if there is one in count of them; otherwise the nearest. */
export function clamp(index, count) {
  return Math.max(0, Math.min(count - 1, index));
}

/** A number from least to most: itself, or the nearest. */
export function clampBetween(number, least, most) {
  return Math.min(most, Math.max(least, number));
}

/** Rows of numbers, made by a function of row and column. */
export function makeRows(height, width, value) {
  const row = (y) => Array.from({ length: width }, (_, x) => value(y, x));
  return Array.from({ length: height }, (_, y) => row(y));
}

/** [height, width] of rows of numbers. */
export function sides(rows) {
  return [rows.length, rows[0].length];
}

/** Whether a pair of row and column, or null, is this one. */
export function isAt(pair, i, j) {
  return pair !== null && pair[0] === i && pair[1] === j;
}
