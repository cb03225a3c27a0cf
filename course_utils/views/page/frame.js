// What every view stands in: a title, a place to work in, a line that says what has changed,
// the keys, and the prediction that comes before a result.

/** What is said where a question that is open forbids something. */
export const ANSWER_FIRST = "Answer the question first, or skip it.";
export const PREDICT_FIRST = "First your prediction, or skip.";

const SVG = new Set(["svg", "g", "rect", "line", "path", "text", "circle", "image", "title"]);

/** An element: h("button", { class: "x", onclick: … }, "text", other). Also in SVG. */
export function h(tag, attributes = {}, ...children) {
  const node = SVG.has(tag)
    ? document.createElementNS("http://www.w3.org/2000/svg", tag)
    : document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (value === true) node.setAttribute(name, "");
    else if (value !== false && value != null) node.setAttribute(name, value);
  }
  node.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return node;
}

/** A number as people write it: a true minus, no more digits than it needs. */
export function show(value, digits = 4) {
  const text = Number.isInteger(value) ? String(value) : String(Number(value.toPrecision(digits)));
  return text.replace("-", "\u2212");
}

/**
 * The frame of a view, put into el. Returns { box, body, say }.
 *
 * keys: { "ArrowLeft": action, … }, called while the view has the focus. An action that returns
 * false has not used the key. Every view has F (full screen) and Escape (leave) by itself.
 * help: one line that names the keys. kind: which style sheet's rules are for it, as a class.
 */
export function frame(el, { title, help, keys, kind = "panel" }) {
  const live = h("p", { class: "view-live", "aria-live": "polite" });
  const body = h("div", { class: "view-body" });
  const toggle = () => toggleFullScreen(box);
  const more = { class: "view-full", title: "full screen (F)", onclick: toggle };
  const box = h(
    "section",
    // JupyterLab leaves the keys of such an element alone.
    {
      class: `view view-${kind}`,
      tabindex: 0, role: "group", "aria-label": title,
      "data-lm-suppress-shortcuts": "true",
    },
    h("header", {}, h("strong", {}, title), h("button", more, "\u2922 F")),
    body,
    live,
    h("footer", {}, help),
  );
  const actions = { f: toggle, F: toggle, Escape: leave, ...keys };
  box.addEventListener("keydown", (event) => handleKey(event, actions));
  el.replaceChildren(box);
  return {
    box,
    body,
    say: (text) => { live.textContent = text; },
  };
}

function toggleFullScreen(box) {
  if (document.fullscreenElement) document.exitFullscreen();
  else box.requestFullscreen?.();
}

function leave() {
  if (document.fullscreenElement) return false;
  return document.activeElement?.blur();
}

/** Do what a key stands for, unless it belongs to a field, to a button or to the browser. */
function handleKey(event, actions) {
  const { key, target } = event;
  const typing = target.matches("input[type=text], input[type=number], textarea, select");
  // Where [ and ] need AltGr (or Option), the event says Alt, and on Windows also Ctrl.
  const bracket = key === "[" || key === "]";
  if (event.metaKey || ((event.ctrlKey || event.altKey) && !bracket)) return;
  if (typing && key !== "Escape") return event.stopPropagation();
  const own = key === " " && target.matches("button, select, input[type=checkbox]");
  if (!actions[key] || own) return;
  if (actions[key](event) === false) return;
  event.preventDefault();
  event.stopPropagation();
}

/**
 * A question that comes before a result. Returns an element; calls done(answer, right) once, with
 * answer null if it was skipped. What was answered stays there, beside what is right.
 *
 * choices: buttons to choose from, or null for a line to type numbers into ("0 3 3 0").
 * solution: the choice, or the numbers. tolerance: how far from them still is right.
 */
export function predict(options, done) {
  const { question, choices = null, solution } = options;
  const verdict = h("span", { class: "view-verdict", role: "status" });
  const size = solution.length > 4 ? 20 : 12;
  const input = choices ? null : h("input", { type: "text", size, "aria-label": question });
  const buttons = choices
    ? choices.map((choice) => h("button", { onclick: () => answer(choice) }, String(choice)))
    : [h("button", { onclick: () => answer(input.value) }, "answer")];
  const skip = h("button", { class: "view-skip", onclick: () => answer(null) }, "skip");
  input?.addEventListener("keydown", (event) => event.key === "Enter" && answer(input.value));
  const line = h(
    "p",
    { class: "view-predict" },
    h("b", {}, "Predict: "), question, " ",
    input, buttons, skip, verdict,
  );

  function answer(given) {
    const problem = input && given !== null ? numbersProblem(given, solution) : "";
    if (problem) {
      verdict.textContent = ` ${problem}`;
      return;
    }
    for (const control of [input, ...buttons, skip]) if (control) control.disabled = true;
    skip.hidden = true;
    const used = choices ? buttons[choices.indexOf(given)] : given !== null && input;
    if (used) used.classList.add("view-given"); // full screen has room for no other
    if (input) buttons[0].hidden = true; // what was typed stays
    line.closest(".view")?.focus({ preventScroll: true }); // the keys work at once
    const right = judge(given, options);
    verdict.textContent = ` ${verdictText(given, right, options)}`;
    done(given, right);
  }
  return line;
}

/** Why a text is no answer: it has not as many numbers as the solution; "" if it has. */
function numbersProblem(text, solution) {
  const count = numbers(solution).length;
  if (numbers(text)?.length === count) return "";
  return count === 1 ? "A number, please." : `${count} numbers, please.`;
}

/** Whether an answer is right; null if the question was skipped. */
function judge(given, { choices, solution, tolerance = 1e-6 }) {
  if (given === null) return null;
  if (choices) return given === solution;
  const expected = numbers(solution);
  return numbers(given).every((value, i) => Math.abs(value - expected[i]) <= tolerance);
}

/** What is said of an answer: "✗ You said 3. It is 4. …" */
function verdictText(given, right, { solution, explain = "" }) {
  const feedback = right ? "\u2713 Right." : `\u2717 You said ${given}.`;
  const written = Array.isArray(solution) ? solution.map((v) => show(v)).join(" ") : solution;
  const correction = right ? "" : ` It is ${written}.`;
  return `${given === null ? "Skipped." : feedback}${correction} ${explain}`;
}

/** The numbers in a text or a list, with − for - and commas as people type them; or null. */
export function numbers(text) {
  if (Array.isArray(text)) return text;
  const words = String(text).replaceAll("\u2212", "-").split(/[\s,;]+/).filter(Boolean).map(Number);
  return words.length && words.every(Number.isFinite) ? words : null;
}

/** Whether the reader's system asks for less motion. */
export function prefersLessMotion() {
  return window.matchMedia("(prefers-reduced-motion: reduce)").matches;
}

const WHITE = [255, 255, 255];
const BLUE = [0, 114, 178];
const ORANGE = [213, 94, 0];

/** CSS colour of a signed value from −1 to 1: blue, white, orange. */
export function signed(value) {
  const to = value < 0 ? BLUE : ORANGE;
  const part = Math.min(1, Math.abs(value));
  return `rgb(${WHITE.map((white, i) => Math.round(white + (to[i] - white) * part)).join(" ")})`;
}

const CIVIDIS = [
  [0, 34, 78], [53, 69, 108], [102, 105, 112], [148, 142, 119], [200, 184, 102], [254, 232, 56],
];

/** CSS colour of a value from 0, dark blue, to 1, yellow: for maps that are never negative. */
export function cividis(value) {
  const place = 5 * Math.min(1, Math.max(0, value));
  const [low, high] = [CIVIDIS[Math.floor(place)], CIVIDIS[Math.ceil(place)]];
  const part = place - Math.floor(place);
  return `rgb(${low.map((from, i) => Math.round(from + (high[i] - from) * part)).join(" ")})`;
}

/** CSS colour of a grey value from 0, black, to 1, white. */
export function grey(value) {
  const level = Math.round(255 * Math.min(1, Math.max(0, value)));
  return `rgb(${level} ${level} ${level})`;
}
