// What stands under the drawing pad: its buttons, and the picture that the network is given.
import { h } from "../frame.js";

const CENTRED = "as MNIST's digits were: scaled into 20 \u00d7 20 pixels, lines 2 wide, centred";

export class Tools {
  /** drawing: see drawing.js. */
  constructor({ drawing }) {
    this.drawing = drawing;
    const button = (label, title, onclick) =>
      h("button", { title, "aria-label": title, onclick }, label);
    const arrow = (label, key, words) =>
      button(label, `move the drawing ${words}`, () => drawing.shift(key));
    this.centring = h("input", {
      type: "checkbox",
      onchange: () => {
        if (!drawing.centre(this.centring.checked)) this.show();
      },
    });
    this.node = h("div", { class: "xray-buttons" },
      h("div", {}, button("undo", "undo (U)", () => drawing.undo()),
        button("clear", "clear (Delete)", () => drawing.clear())),
      h("label", {}, "pen ", drawing.pen),
      h("label", { title: CENTRED }, this.centring, " centring"),
      h("div", { class: "xray-arrows" },
        arrow("\u2190", "ArrowLeft", "left"), arrow("\u2191", "ArrowUp", "up"),
        arrow("\u2193", "ArrowDown", "down"), arrow("\u2192", "ArrowRight", "right")));
  }

  show() {
    this.centring.checked = this.drawing.centring;
  }
}
