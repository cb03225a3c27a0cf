// Numbers as this view writes them: derivatives of many sizes stand beside each other.
import { show } from "../frame.js";

/** In few characters, for a box: "0.274", "9e−5". places: behind the point, at most. */
export function compact(value, places) {
  const size = Math.abs(value);
  if (Number.isInteger(value)) return show(value);
  if (size < 0.001) return value.toExponential(0).replaceAll("-", "\u2212");
  const needed = size >= 100 ? 0 : size >= 10 ? 1 : size >= 1 ? 2 : size >= 0.1 ? 3 : 4;
  return value.toFixed(Math.min(needed, places)).replace("-", "\u2212");
}

/** To four digits, for a sum: "0.2739", "8.625e−5". */
export function precise(value) {
  if (value === 0 || Math.abs(value) >= 0.001) return show(value);
  return Number(value.toPrecision(4)).toExponential().replaceAll("-", "\u2212");
}
