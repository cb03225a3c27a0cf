// The drawing pad: a black square to write on in white, as MNIST's digits are, by mouse, finger
// or pen. What it holds are strokes (see digit.js), so that they can be moved and taken back.
import { h } from "./frame.js";
import { SIDE, moved } from "./digit.js";

/** Points nearer than this to the last one add nothing but work, also where one writes small. */
const NEAREST = 0.25;

/**
 * A pad: { node, strokes(), set(strokes), shift(right, down), undo(), clear(), guide(box) }.
 *
 * begin(): a stroke is about to begin. changed(done): the drawing is another one; done is false
 * while a stroke is being drawn. width(): the pen's, on a pad 280 wide. guide(box) frames the
 * ink, { left, top, right, bottom }, or nothing if it is null.
 */
export function drawingPad({ begin, changed, width }) {
  const sharp = Math.min(3, Math.max(1, window.devicePixelRatio || 1));
  const canvas = h("canvas", {
    class: "pad", tabindex: 0, role: "img", width: SIDE * sharp, height: SIDE * sharp,
    "aria-label": "drawing pad: draw a digit, move it with the arrow keys",
    onpointerdown: start, onpointermove: go, onpointerup: end, onpointercancel: end,
  });
  const pen = canvas.getContext("2d");
  const past = [];
  let [strokes, pointer, box] = [[], null, null];

  function change(next, remember = true) {
    if (remember) past.push(strokes);
    pointer = null; // a stroke that is being drawn ends here
    strokes = next;
    changed(true);
  }

  function start(event) {
    if (pointer !== null || event.button > 0) return;
    event.preventDefault();
    canvas.focus({ preventScroll: true });
    begin();
    pointer = event.pointerId;
    canvas.setPointerCapture(pointer);
    past.push(strokes);
    strokes = [...strokes, { width: width(), points: [at(event)] }];
    changed(false);
  }

  function go(event) {
    if (event.pointerId !== pointer) return;
    const events = event.getCoalescedEvents?.() ?? [];
    for (const one of events.length ? events : [event]) add(at(one));
    changed(false);
  }

  function end(event) {
    if (event.pointerId !== pointer) return;
    pointer = null;
    if (event.type === "pointerup") add(at(event));
    changed(true);
  }

  function at(event) {
    const { left, top, width: wide, height } = canvas.getBoundingClientRect();
    const inside = (share) => Math.min(SIDE, Math.max(0, SIDE * share));
    return [inside((event.clientX - left) / wide), inside((event.clientY - top) / height)];
  }

  function add([x, y]) {
    const { points } = strokes[strokes.length - 1];
    const [x0, y0] = points[points.length - 1];
    if (Math.hypot(x - x0, y - y0) >= NEAREST) points.push([x, y]);
  }

  function paint() {
    pen.setTransform(sharp, 0, 0, sharp, 0, 0);
    pen.fillStyle = "#000";
    pen.fillRect(0, 0, SIDE, SIDE);
    for (const stroke of strokes) {
      if (stroke.picture) paintPicture(stroke);
      else paintStroke(stroke);
    }
    if (!box) return;
    pen.setLineDash([5, 4]);
    pen.lineWidth = 1.5;
    pen.strokeStyle = "#56b4e9";
    pen.strokeRect(box.left, box.top, box.right - box.left, box.bottom - box.top);
    pen.setLineDash([]);
  }

  function paintStroke({ width: wide, points }) {
    Object.assign(pen, { lineCap: "round", lineJoin: "round", lineWidth: wide });
    pen.strokeStyle = "#fff";
    pen.beginPath();
    points.forEach(([x, y]) => pen.lineTo(x, y));
    if (points.length === 1) pen.lineTo(...points[0]); // a dot
    pen.stroke();
  }

  function paintPicture({ picture, points: [[left, top]] }) {
    picture.forEach((byte, i) => {
      if (!byte) return;
      pen.fillStyle = `rgb(${byte} ${byte} ${byte})`;
      pen.fillRect(left + (i % 28) * 10, top + Math.floor(i / 28) * 10, 10, 10);
    });
  }

  return {
    node: canvas,
    strokes: () => strokes,
    set: (next, remember = true) => change(next, remember),
    shift: (right, down) => change(moved(strokes, right, down)),
    undo: () => past.length && change(past.pop(), false),
    guide: (around) => { box = around; paint(); },
  };
}
