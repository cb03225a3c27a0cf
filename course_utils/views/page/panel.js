// A panel: the question, the controls, and the figure and table that Python makes of them.
import { h, calm, frame, predict, show } from "./frame.js";

/** How long the kernel may take before the page says that it does not answer. */
const PATIENCE = 4000; // milliseconds
const BEAT = 500;
const FIRST = "First your prediction, or skip.";

function panel({ model, el }) {
  const controls = model.get("controls").map((control) => ({ ...control }));
  const { brackets, arrows, upright } = model.get("moves");
  // A page that is opened beside another one, or again, finds the question answered.
  const { turn } = model.get("shown");
  const state = { ...first(), answered: turn > 0, turn, waiting: null, again: false };
  // Where the figure was clicked, and what was changed, since Python was asked last.
  Object.assign(state, { at: null, fresh: {} });
  const fields = Object.fromEntries(controls.map((control) => [control.name, field(control)]));
  const view = frame(el, { title: model.get("title"), help: help(), keys: keys() });

  const toolbar = h("div", { class: "panel-controls" });
  const picture = h("img", { class: "panel-figure", onclick: pointAt });
  picture.classList.toggle("pickable", Boolean(model.get("picks")));
  const reason = h("p", { class: "panel-why", "aria-live": "polite", hidden: true });
  const table = h("div", { class: "panel-table" });
  const question = state.answered ? [] : [predict(model.get("question"), reveal)];
  view.body.append(...question, toolbar, picture, table, reason);
  lock(!state.answered);
  draw();
  model.on("change:shown", draw);

  function first() {
    return { values: { ...model.get("start") } };
  }

  function reveal() {
    state.answered = true;
    lock(false);
    ask();
  }

  function lock(yes) {
    for (const { inputs } of Object.values(fields)) {
      for (const input of inputs) input.disabled = yes;
    }
  }

  /** Ask Python for the look of the values: one request at a time, the latest values last. */
  function ask() {
    if (state.waiting !== null) {
      state.again = true;
      return;
    }
    state.turn = (model.get("asked").turn ?? 0) + 1;
    const { values, answered, at } = state;
    [state.at, state.fresh] = [null, {}];
    model.set("asked", { turn: state.turn, values: { ...values }, answered, at });
    model.save_changes();
    state.waiting = setTimeout(silent, PATIENCE);
  }

  /** A click in the figure: where it was; what it means is known to Python. */
  function pointAt({ clientX, clientY }) {
    if (!model.get("picks")) return;
    if (!state.answered) return view.say(FIRST);
    const { left, top, width, height } = picture.getBoundingClientRect();
    state.at = [(clientX - left) / width, (clientY - top) / height];
    ask();
  }

  function silent() {
    view.say(
      "The kernel does not answer: it is busy, or has stopped. If it stays so, run the cell again.",
    );
    state.waiting = null;
  }

  /** Show what Python has answered. */
  function draw() {
    const shown = model.get("shown");
    if (shown.turn === state.turn && state.waiting !== null) {
      clearTimeout(state.waiting);
      state.waiting = null;
    }
    view.say(shown.problem ?? shown.sentence);
    // A late answer is not about what has been changed since.
    if (state.waiting === null) state.values = { ...shown.values, ...state.fresh };
    drawFigure(shown.alt);
    if (shown.why) explain(shown.why);
    drawTable(shown.table);
    for (const [name, most] of Object.entries(shown.limits ?? {})) limit(name, most);
    for (const [name, { set }] of Object.entries(fields)) set(state.values[name]);
    if (!state.again) return;
    state.again = false;
    ask();
  }

  /** Let a control go up to most only. */
  function limit(name, most) {
    controls.find((control) => control.name === name).max = most;
    for (const input of fields[name].inputs) input.max = most;
  }

  function drawFigure(alt) {
    const bytes = model.get("figure");
    picture.hidden = !bytes?.byteLength;
    if (picture.hidden) return;
    const old = picture.src;
    picture.src = URL.createObjectURL(new Blob([bytes], { type: "image/png" }));
    picture.alt = alt;
    if (old) URL.revokeObjectURL(old);
  }

  function drawTable(content) {
    const held = document.activeElement;
    const picked = [...table.querySelectorAll(".panel-cell")].indexOf(held);
    const inTable = new Set();
    table.replaceChildren();
    if (content) {
      const head = h("tr", {}, content.head.map((text) => h("th", { scope: "col" }, text)));
      const rows = content.rows.map((row) => h("tr", {}, row.map(cell)));
      const caption = content.caption ? [h("caption", {}, content.caption)] : [];
      table.append(h("table", {}, caption, head, rows));
    }
    const outside = controls.filter(({ name }) => !inTable.has(name));
    // Only where they change: a slider that is taken out of the page is no longer held.
    if (toolbar.childElementCount !== outside.length) {
      toolbar.replaceChildren(...outside.map(alone));
    }
    toolbar.hidden = !toolbar.hasChildNodes();
    // A cell that was clicked is another element now; without the focus the keys would be lost.
    const again = picked < 0 ? held : table.querySelectorAll(".panel-cell")[picked] ?? view.box;
    if (view.box.contains(again)) again.focus({ preventScroll: true });

    /** A control outside the table; a number has a label there. */
    function alone({ name, kind, label }) {
      const { node } = fields[name];
      return kind === "number" ? h("label", {}, `${label} `, node) : node;
    }

    function cell(content) {
      const { text = "", why, set, colour, dark, strong, control } =
        typeof content === "string" ? { text: content } : content;
      const style = (colour ? `background: ${colour};` : "") + (dark ? "color: #fff;" : "");
      const words = strong ? h("b", {}, text) : text;
      if (control) {
        inTable.add(control);
        return h("td", { style }, fields[control].node);
      }
      if (!why && !set) return h("td", { style }, words);
      const pick = () => {
        if (!state.answered) return view.say(FIRST);
        if (set) change(set);
        if (why) explain(why);
      };
      return h("td", { style }, h("button", { class: "panel-cell", onclick: pick }, words));
    }
  }

  function explain(why) {
    reason.hidden = false;
    reason.textContent = why;
  }

  function change(values) {
    // It was for the values before; where there always is one, the next is about to come.
    if (!model.get("shown").why) reason.hidden = true;
    Object.assign(state.values, values);
    Object.assign(state.fresh, values);
    for (const [name, value] of Object.entries(values)) fields[name]?.set(value);
    ask();
  }

  /** A control: { node, inputs, set }. */
  function field({ kind, name, label, min, max, step, options }) {
    const tell = (value) => change({ [name]: value });
    if (kind === "button") {
      const press = h("button", { onclick: () => tell(state.values[name] + 1) }, label);
      return { node: press, inputs: [press], set: () => {} };
    }
    if (kind === "tick") {
      const box = h("input", { type: "checkbox", onchange: () => tell(box.checked) });
      const node = h("label", {}, box, ` ${label}`);
      return { node, inputs: [box], set: (value) => { box.checked = value; } };
    }
    if (kind === "choice") {
      const list = h("select", { onchange: () => tell(list.value) },
        options.map((option) => h("option", { value: option }, option)));
      const node = h("label", {}, `${label} `, list);
      return { node, inputs: [list], set: (value) => { list.value = value; } };
    }
    if (kind === "number") {
      const look = { class: "panel-number", "aria-label": label };
      const box = h("input", { type: "number", min, max, step, ...look });
      let last = null; // what was told or shown last: what is being typed stays
      box.addEventListener("change", () => {
        const value = Number(box.value);
        const steps = (value - min) / step;
        const fits = box.value !== "" && value >= min && value <= Number(box.max)
          && Math.abs(steps - Math.round(steps)) < 1e-6;
        if (fits) {
          last = value;
          return tell(value);
        }
        const kind = step === 1 ? ", in whole numbers" : "";
        view.say(`${label} goes from ${show(min)} to ${show(Number(box.max))}${kind}.`);
        box.value = state.values[name];
      });
      const set = (value) => {
        if (value !== last) box.value = last = value;
      };
      return { node: box, inputs: [box], set };
    }
    const range = h("input", { type: "range", min, max, step, "aria-label": label });
    const readout = h("output", {});
    const set = (value) => {
      range.value = value;
      readout.textContent = show(Number(value));
    };
    range.addEventListener("input", () => tell(Number(range.value)));
    const node = h("label", { class: "panel-slider" }, `${label} `, range, readout);
    return { node, inputs: [range], set };
  }

  /** One step up or down of the control that a key moves; false if it can go no further. */
  function move(name, by) {
    const control = controls.find((other) => other.name === name);
    if (!control || !state.answered) return false;
    if (control.kind === "choice") {
      const next = control.options[control.options.indexOf(state.values[name]) + by];
      if (next === undefined) return false;
      change({ [name]: next });
      return true;
    }
    const value = Number((state.values[name] + by * control.step).toFixed(6));
    if (value < control.min || value > control.max) return false;
    change({ [name]: value });
    return true;
  }

  function play() {
    if (!arrows || !state.answered) return false;
    if (state.clock) return stop();
    const { min, options } = controls.find(({ name }) => name === arrows);
    if (!move(arrows, 1)) change({ [arrows]: options ? options[0] : min });
    if (calm()) return; // one step for each press
    state.clock = setInterval(() => state.waiting === null && !move(arrows, 1) && stop(), BEAT);
  }

  function stop() {
    clearInterval(state.clock);
    state.clock = null;
  }

  function reset() {
    if (!state.answered) return false;
    stop();
    change(first().values);
  }

  function keys() {
    const onField = (event) => event.target.matches("input[type=range]");
    return {
      r: reset,
      R: reset,
      "[": () => (brackets ? void move(brackets, -1) : false),
      "]": () => (brackets ? void move(brackets, 1) : false),
      ArrowLeft: (event) => (arrows && !onField(event) ? void move(arrows, -1) : false),
      ArrowRight: (event) => (arrows && !onField(event) ? void move(arrows, 1) : false),
      ArrowUp: (event) => (upright && !onField(event) ? void move(upright, -1) : false),
      ArrowDown: (event) => (upright && !onField(event) ? void move(upright, 1) : false),
      " ": play,
    };
  }

  function help() {
    const name = (wanted) => controls.find((control) => control.name === wanted).label;
    return [
      arrows && `\u2190 \u2192 ${name(arrows)}, Space plays`,
      upright && `\u2191 \u2193 ${name(upright)}`,
      brackets && `[ ] ${name(brackets)}`,
      model.get("picks"),
      "R resets, F full screen, Esc leaves",
    ].filter(Boolean).join("; ");
  }

  return () => {
    stop();
    clearTimeout(state.waiting);
    model.off("change:shown", draw);
    if (picture.src) URL.revokeObjectURL(picture.src);
  };
}

export default { render: panel };
