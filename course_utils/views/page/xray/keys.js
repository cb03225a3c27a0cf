// The keys of the X-ray: they go to the drawing, or, where the focus is on the maps, to a unit.
import { MOVE } from "./drawing.js";

export const HELP = "Arrows: drawing or unit \u00b7 [ ] pen, channel \u00b7 PageUp, PageDown layer "
  + "\u00b7 C centring \u00b7 U undo \u00b7 0\u20139 digit \u00b7 Space walk \u00b7 "
  + "G backward \u00b7 S, Z step \u00b7 R reset \u00b7 Esc";

/**
 * What each key does: see drawing.js, gradients.js, unit.js and page.js; reset(): all as at the
 * beginning.
 */
export function keysOf({ digits, drawing, gradients, unit, page, reset }) {
  const arrow = (key) => (event) => {
    if (event.target.matches("input[type=range], .xray-list")) return false;
    if (page.hasUnitsInFocus()) unit.move(key, page.hasBarsInFocus());
    else drawing.shift(key);
    return true;
  };
  const change = (by) => () => {
    if (page.hasUnitsInFocus()) unit.changeChannel(by);
    else drawing.changePen(2 * by);
  };
  const layer = (by) => () => {
    if (!page.hasUnitsInFocus()) page.maps.focus({ preventScroll: true });
    unit.changeLayer(by);
  };
  const undo = () => drawing.undo();
  return {
    ...each(Object.keys(MOVE), arrow),
    ...each(Object.keys(digits), (key) => () => drawing.replace(digits[key])),
    ...bothCases("c", () => { drawing.centre(!drawing.centring); }),
    ...bothCases("g", () => gradients.toggle()),
    ...bothCases("n", () => unit.listNumbers()),
    ...bothCases("r", reset),
    ...bothCases("s", () => gradients.descent.step()),
    ...bothCases("u", undo),
    ...bothCases("z", () => gradients.descent.undo()),
    Backspace: undo,
    Delete: () => drawing.clear(),
    " ": () => { drawing.walk(); },
    "[": change(-1),
    "]": change(1),
    PageUp: layer(-1),
    PageDown: layer(1),
  };
}

function each(names, action) {
  return Object.fromEntries(names.map((key) => [key, action(key)]));
}

function bothCases(key, action) {
  return { [key]: action, [key.toUpperCase()]: action };
}
