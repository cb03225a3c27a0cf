// The controls of a panel, by kind: { node, inputs, set(value) }.
import { h, show } from "../frame.js";

/**
 * A field for a control (see panel.py). change(value): the learner has set it. say(text): why it
 * could not be. value(): what it is set to.
 */
export function fieldOf(control, { change, say, value }) {
  return KINDS[control.kind](control, { change, say, value });
}

const KINDS = { button, tick, choice, number, slider };

function button({ label }, { change, value }) {
  const press = h("button", { onclick: () => change(value() + 1) }, label);
  return { node: press, inputs: [press], set: () => {} };
}

function tick({ label }, { change }) {
  const box = h("input", { type: "checkbox", onchange: () => change(box.checked) });
  const node = h("label", {}, box, ` ${label}`);
  return { node, inputs: [box], set: (on) => { box.checked = on; } };
}

function choice({ label, options }, { change }) {
  const list = h("select", { onchange: () => change(list.value) },
    options.map((option) => h("option", { value: option }, option)));
  const node = h("label", {}, `${label} `, list);
  return { node, inputs: [list], set: (option) => { list.value = option; } };
}

function number({ label, min, max, step }, { change, say, value }) {
  const look = { class: "panel-number", "aria-label": label };
  const box = h("input", { type: "number", min, max, step, ...look });
  let last = null; // what was told or shown last: what is being typed stays
  function typed() {
    const most = Number(box.max); // it may have been limited since
    if (box.value !== "" && isStep(Number(box.value), { min, most, step })) {
      last = Number(box.value);
      return change(last);
    }
    const whole = step === 1 ? ", in whole numbers" : "";
    say(`${label} goes from ${show(min)} to ${show(most)}${whole}.`);
    box.value = value();
  }
  box.addEventListener("change", typed);
  const set = (next) => {
    if (next !== last) box.value = last = next;
  };
  return { node: box, inputs: [box], set };
}

/** Whether a number can be reached by whole steps from the least one. */
function isStep(number, { min, most, step }) {
  const steps = (number - min) / step;
  return number >= min && number <= most && Math.abs(steps - Math.round(steps)) < 1e-6;
}

function slider({ label, min, max, step }, { change }) {
  const range = h("input", { type: "range", min, max, step, "aria-label": label });
  const readout = h("output", {});
  range.addEventListener("input", () => change(Number(range.value)));
  const node = h("label", { class: "panel-slider" }, `${label} `, range, readout);
  const set = (number) => {
    range.value = number;
    readout.textContent = show(Number(number));
  };
  return { node, inputs: [range], set };
}

/** A control's value after one step up or down; undefined if it can go no further. */
export function stepped({ kind, options, min, max, step }, value, by) {
  if (kind === "choice") return options[options.indexOf(value) + by];
  const next = Number((value + by * step).toFixed(6));
  return next < min || next > max ? undefined : next;
}
