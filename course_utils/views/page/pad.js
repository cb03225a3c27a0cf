// The drawing pad: a black square to write on in white, as MNIST's digits are, by mouse, finger
// or pen. What it holds are strokes (see digit.js), so that they can be moved and taken back.
import { h } from "./frame.js";
import { SIDE, moved } from "./digit.js";

/** Points nearer than this to the last one add nothing but work, also where one writes small. */
const NEAREST = 0.25;

export class DrawingPad {
  strokes = [];
  past = []; // earlier strokes, for undo
  pointer = null; // of the stroke that is being drawn
  box = null; // what frames the ink

  /**
   * begin(): a stroke is about to begin. changed(done): the drawing is another one; done is false
   * while a stroke is being drawn. width(): the pen's, on a pad 280 wide.
   */
  constructor({ begin, changed, width }) {
    Object.assign(this, { begin, changed, width });
    this.sharp = Math.min(3, Math.max(1, window.devicePixelRatio || 1));
    this.node = h("canvas", {
      class: "pad", tabindex: 0, role: "img",
      width: SIDE * this.sharp, height: SIDE * this.sharp,
      "aria-label": "drawing pad: draw a digit, move it with the arrow keys",
      onpointerdown: (event) => this.start(event), onpointermove: (event) => this.go(event),
      onpointerup: (event) => this.end(event), onpointercancel: (event) => this.end(event),
    });
    this.pen = this.node.getContext("2d");
  }

  // --- from outside --------------------------------------------------------------------------

  /** Other strokes in place of these; remember: so that they can be taken back. */
  set(strokes, remember = true) {
    if (remember) this.past.push(this.strokes);
    this.pointer = null; // a stroke that is being drawn ends here
    this.strokes = strokes;
    this.changed(true);
  }

  shift(right, down) {
    this.set(moved(this.strokes, right, down));
  }

  undo() {
    if (this.past.length) this.set(this.past.pop(), false);
  }

  /** Frame the ink, { left, top, right, bottom }, or nothing if it is null. */
  guide(box) {
    this.box = box;
    this.paint();
  }

  // --- the pointer ---------------------------------------------------------------------------

  start(event) {
    if (this.pointer !== null || event.button > 0) return;
    event.preventDefault();
    this.node.focus({ preventScroll: true });
    this.begin();
    this.pointer = event.pointerId;
    this.node.setPointerCapture(this.pointer);
    this.past.push(this.strokes);
    this.strokes = [...this.strokes, { width: this.width(), points: [this.at(event)] }];
    this.changed(false);
  }

  go(event) {
    if (event.pointerId !== this.pointer) return;
    const events = event.getCoalescedEvents?.() ?? [];
    for (const one of events.length ? events : [event]) this.add(this.at(one));
    this.changed(false);
  }

  end(event) {
    if (event.pointerId !== this.pointer) return;
    this.pointer = null;
    if (event.type === "pointerup") this.add(this.at(event));
    this.changed(true);
  }

  at(event) {
    const { left, top, width, height } = this.node.getBoundingClientRect();
    const inside = (share) => Math.min(SIDE, Math.max(0, SIDE * share));
    return [inside((event.clientX - left) / width), inside((event.clientY - top) / height)];
  }

  add([x, y]) {
    const { points } = this.strokes.at(-1);
    const [x0, y0] = points.at(-1);
    if (Math.hypot(x - x0, y - y0) >= NEAREST) points.push([x, y]);
  }

  // --- what is shown -------------------------------------------------------------------------

  paint() {
    const { pen, sharp, strokes, box } = this;
    pen.setTransform(sharp, 0, 0, sharp, 0, 0);
    pen.fillStyle = "#000";
    pen.fillRect(0, 0, SIDE, SIDE);
    for (const stroke of strokes) {
      if (stroke.picture) paintPicture(pen, stroke);
      else paintStroke(pen, stroke);
    }
    if (!box) return;
    pen.setLineDash([5, 4]);
    pen.lineWidth = 1.5;
    pen.strokeStyle = "#56b4e9";
    pen.strokeRect(box.left, box.top, box.right - box.left, box.bottom - box.top);
    pen.setLineDash([]);
  }
}

function paintStroke(pen, { width, points }) {
  Object.assign(pen, { lineCap: "round", lineJoin: "round", lineWidth: width });
  pen.strokeStyle = "#fff";
  pen.beginPath();
  points.forEach(([x, y]) => pen.lineTo(x, y));
  if (points.length === 1) pen.lineTo(...points[0]); // a dot
  pen.stroke();
}

function paintPicture(pen, { picture, points: [[left, top]] }) {
  picture.forEach((byte, i) => {
    if (!byte) return;
    pen.fillStyle = `rgb(${byte} ${byte} ${byte})`;
    pen.fillRect(left + (i % 28) * 10, top + Math.floor(i / 28) * 10, 10, 10);
  });
}
