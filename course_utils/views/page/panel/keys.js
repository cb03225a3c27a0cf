// The keys of a panel, and the line that names them: which control each moves, says Python.

/** What each key does in a panel (panel.js). An action that returns false has not used its key. */
export function keysOf(panel) {
  const { brackets, arrows, upright } = panel.moves;
  const move = (name, by) => (name ? void panel.move(name, by) : false);
  const onField = (event) => event.target.matches("input[type=range]");
  const arrow = (name, by) => (event) => (onField(event) ? false : move(name, by));
  const reset = () => panel.reset();
  return {
    r: reset,
    R: reset,
    "[": () => move(brackets, -1),
    "]": () => move(brackets, 1),
    ArrowLeft: arrow(arrows, -1),
    ArrowRight: arrow(arrows, 1),
    ArrowUp: arrow(upright, -1),
    ArrowDown: arrow(upright, 1),
    " ": () => panel.play(),
  };
}

export function helpOf(panel) {
  const { brackets, arrows, upright } = panel.moves;
  const label = (name) => panel.control(name).label;
  return [
    arrows && `\u2190 \u2192 ${label(arrows)}, Space plays`,
    upright && `\u2191 \u2193 ${label(upright)}`,
    brackets && `[ ] ${label(brackets)}`,
    panel.model.get("picks"),
    "R resets, F full screen, Esc leaves",
  ].filter(Boolean).join("; ");
}
