// The unit of the X-ray whose sum is shown: which one it is, and how one goes to another.
import { show } from "../frame.js";
import { neighbour } from "../maps.js";
import { trace } from "../network.js";
import { clampBetween } from "../numbers.js";
import { fieldWords, indexOfMax, unitName } from "../words.js";
import { MOVE } from "./drawing.js";
import { gradientWords } from "./gradientsum.js";

export class Unit {
  chosen = null; // { at, unit }, a unit of values[at], or null
  channel = 0; // which of its windows is shown, of a convolution
  listing = false; // whether all its products are listed

  /**
   * plans(): those of the mosaics, the input's first. values(): see network.js's activations(), or
   * null. gradients(): backward.js's, or null where they are not shown; only they can be asked for
   * at a pixel. changed(): another unit, or more of it, is to be shown. say(text).
   */
  constructor({ network, plans, values, gradients, changed, say }) {
    Object.assign(this, { network, plans, values, gradients, changed, say });
    this.last = network.layers.length;
  }

  reset() {
    Object.assign(this, { chosen: null, listing: false });
  }

  choose(at, unit) {
    const { network } = this;
    const [values, gradients] = [this.values(), this.gradients()];
    if (at < this.first()) return;
    if (this.chosen?.at !== at) this.channel = strongestChannel(network, values, at, unit);
    this.chosen = { at, unit };
    this.changed();
    if (!values) return this.say("Nothing is drawn: there is no sum to show.");
    if (gradients) return this.say(gradientWords({ ...this, values, gradients }));
    const value = show(values[at].data[unit]);
    this.say(`${unitName(network, at, unit)}: ${value}. It sees ${fieldWords(network, at, unit)}.`);
  }

  /** To the unit beside it; onBars: the focus is on the probabilities. */
  move(key, onBars) {
    if (onBars && this.chosen?.at !== this.last) return this.enter(this.last);
    if (!(this.chosen?.at >= this.first())) return this.enter(1);
    const { at, unit } = this.chosen;
    const [right, down] = MOVE[key];
    if (at < this.last) return this.choose(at, neighbour(this.plans()[at], unit, right, down));
    this.choose(at, clampBetween(unit + right, 0, this.network.classes.length - 1));
  }

  changeLayer(by) {
    this.enter(this.chosen ? clampBetween(this.chosen.at + by, this.first(), this.last) : 1);
  }

  /** The first layer of which a unit can be chosen. */
  first() {
    return this.gradients() ? 0 : 1;
  }

  /** Choose a first unit of a layer: the middle of its first map, or the highest bar. */
  enter(at) {
    const values = this.values();
    const { layers, input } = this.network;
    const [, height = 1, width = 1] = at ? layers[at - 1].shape : input;
    const middle = Math.floor(height / 2) * width + Math.floor(width / 2);
    this.choose(at, at === this.last && values ? indexOfMax(values[at].data) : middle);
  }

  changeChannel(by) {
    const layer = this.network.layers[this.chosen?.at - 1];
    if (layer?.kind !== "conv2d") return this.say("[ and ] choose a channel of a convolution.");
    const count = layer.weight.shape[1];
    this.pickChannel((this.channel + by + count) % count);
  }

  pickChannel(channel) {
    this.channel = channel;
    this.changed();
    this.say(`Channel ${channel}.`);
  }

  listNumbers() {
    this.listing = !this.listing;
    this.changed();
  }
}

/** The channel that adds most to a unit of a convolution; 0 for other layers. */
function strongestChannel(network, values, at, unit) {
  if (!values || network.layers[at - 1]?.kind !== "conv2d") return 0;
  const { channels } = trace(network, values, at, unit);
  return indexOfMax(channels.map(({ sum }) => Math.abs(sum)));
}
