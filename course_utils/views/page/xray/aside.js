// A picture that stands beside the gradients: the input gradient of the same network before any
// training, the control for that of the trained one; or the picture that an adversarial step made.
import { h, show } from "../frame.js";
import { arranged, largest, mosaic } from "../maps.js";

const WIDE = 64;

export class Aside {
  constructor({ input: [, high, wide] }) {
    this.picture = mosaic(arranged(1, high, wide, 1, Math.floor(WIDE / wide) || 1, 0), "signed");
    this.caption = h("figcaption");
    this.node = h("figure", { class: "gradient-aside" }, this.picture.node, this.caption);
  }

  /** gradient: of the input of the network with random weights. */
  drawControl({ data }) {
    const top = largest(data);
    this.picture.paint(data, -top, top, "signed");
    this.caption.textContent = "Input gradient of the same network with random weights: "
      + `\u00b1${show(top, 2)}`;
  }

  /** The picture that the network is given now; low and top: black and white. */
  drawChanged({ data }, [low, top]) {
    this.picture.paint(data, low, top, "grey");
    this.caption.textContent = "What the network sees now.";
  }
}
