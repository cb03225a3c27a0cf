// The clock of all that plays by itself.
import { prefersLessMotion } from "./frame.js";

/**
 * Calls step() again and again until it returns false: { toggle, start, stop, isOn }; changed(on)
 * is told when it begins and when it ends. Where the reader asks for less motion, toggle() is a
 * single step, and playing lasts until the last one; start() plays in any case.
 */
export function player(step, changed, milliseconds) {
  let timer = null;
  let hasBegun = false;
  function stop() {
    if (!hasBegun) return;
    clearInterval(timer);
    timer = null;
    hasBegun = false;
    changed(false);
  }
  function start() {
    hasBegun = true;
    timer = setInterval(() => step() === false && stop(), milliseconds);
    changed(true);
  }
  function toggle() {
    if (timer !== null) return stop();
    if (!prefersLessMotion()) return start();
    hasBegun = true;
    if (step() === false) stop();
  }
  return { toggle, start, stop, isOn: () => hasBegun };
}
