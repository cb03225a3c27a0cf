// The input gradient of the same network before training: the control for that of the trained one.
import { h, show } from "../frame.js";
import { arranged, largest, mosaic } from "../maps.js";

const WIDE = 64;

export class Saliency {
  constructor({ input: [, high, wide] }) {
    this.picture = mosaic(arranged(1, high, wide, 1, Math.floor(WIDE / wide) || 1, 0), "signed");
    this.caption = h("figcaption");
    this.node = h("figure", { class: "gradient-untrained" }, this.picture.node, this.caption);
  }

  /** gradient: of the input of the untrained network. */
  draw({ data }) {
    const top = largest(data);
    this.picture.paint(data, -top, top);
    this.caption.textContent = `Input gradient of the same network with random weights: `
      + `\u00b1${show(top, 2)}`;
  }
}
