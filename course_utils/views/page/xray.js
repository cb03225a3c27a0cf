// The X-ray of a network: draw a digit, see what every layer makes of it, and ask any unit for
// the sum that made it. Everything is computed here; Python only hears what has been drawn.
import { digitsBeside, prepare } from "./digit.js";
import { frame } from "./frame.js";
import { readNetwork, toInput } from "./network.js";
import { reading } from "./words.js";
import { Drawing } from "./xray/drawing.js";
import { Gradients } from "./xray/gradients.js";
import { gradientMaps, gradientSum } from "./xray/gradientsum.js";
import { HELP, keysOf } from "./xray/keys.js";
import { Page } from "./xray/page.js";
import { centreOf, mapScales, picture, sumPicture } from "./xray/picture.js";
import { Question } from "./xray/question.js";
import { Unit } from "./xray/unit.js";

const SEVERAL = " There seem to be several digits side by side, and the network reads one: "
  + "clear the pad, and draw them one after the other.";

class XRay {
  values = null; // what each layer makes of the drawing; null where nothing is drawn
  isDue = false; // a frame of the screen will compute them

  constructor({ model, el }) {
    this.model = model;
    this.network = readNetwork(model.get("network"));
    this.scales = mapScales(this.network);
    const { network, scales } = this;
    const say = (text) => this.say(text);
    const question = this.question = new Question({
      network, say, demonstrate: (before, drawings) => this.drawing.demonstrate(before, drawings),
    });
    const drawing = this.drawing = new Drawing({
      network, say, question, probabilities: () => this.probabilities(),
      changed: (done) => (done ? this.update(true) : this.soon()),
    });
    const gradients = this.gradients = new Gradients({
      network, question, say, changed: () => this.update(false),
    });
    const page = this.page = new Page({
      network, scales, drawing,
      choose: (at, unit) => this.unit.choose(at, unit),
      pickChannel: (channel) => this.unit.pickChannel(channel),
      listNumbers: () => this.unit.listNumbers(),
    });
    const unit = this.unit = new Unit({
      network, say, plans: () => page.plans(), values: () => this.values,
      gradients: () => gradients.found, changed: () => this.drawSum(),
    });
    const keys = keysOf({
      digits: network.digits, drawing, gradients, unit, page, reset: () => this.reset(),
    });
    this.view = frame(el, { title: `X-ray of ${network.name}`, help: HELP, keys, kind: "xray" });
    page.modes.append(...gradients.modes);
    page.side.append(gradients.side);
    this.view.body.append(question.node, gradients.node, ...page.parts());
  }

  /** Begin. Returns what ends it. */
  begin() {
    const { model } = this;
    // What is on canvases may have been cleared while they were out of sight.
    const visible = new IntersectionObserver(([{ isIntersecting }]) => (
      isIntersecting && this.draw()
    ));
    visible.observe(this.view.box);
    const resized = new window.ResizeObserver(() => this.page.fit());
    resized.observe(this.view.body);
    this.page.fit();
    this.reset();
    const receive = () => this.drawing.replace(model.get("sent").drawing);
    model.on("change:sent", receive);
    if (model.get("sent")?.drawing) receive(); // before this page was there
    return () => {
      this.drawing.stop();
      visible.disconnect();
      resized.disconnect();
      model.off("change:sent", receive);
    };
  }

  reset() {
    this.unit.reset();
    this.gradients.reset();
    this.drawing.reset();
    this.question.ask();
  }

  say(text) {
    this.view.say(text);
  }

  /** Computes at the next frame, however often the pen moves until then. */
  soon() {
    if (this.isDue) return;
    this.isDue = true;
    requestAnimationFrame(() => this.isDue && this.update(false));
  }

  /** Computes all values of what is drawn; done: no stroke is being drawn any more. */
  update(done) {
    const { network, drawing } = this;
    this.isDue = false;
    const digit = prepare(drawing.pad.strokes, drawing.centring);
    this.values = this.gradients.run(digit && toInput(digit.bytes, network));
    const centred = digit && drawing.centring;
    drawing.pad.guide(centred ? digit.box : null);
    this.page.markCentre(centred ? centreOf(network, digit) : null);
    this.draw();
    if (done) this.tell(digit);
  }

  /** Tell Python what is drawn, and the reader what the network says. */
  tell(digit) {
    this.model.set("drawn", new DataView((digit?.bytes ?? new Uint8Array(28 * 28)).buffer));
    this.model.save_changes();
    if (!digit) return this.say("Nothing is drawn: no prediction.");
    const several = digitsBeside(this.drawing.pad.strokes) > 1 ? SEVERAL : "";
    const changes = this.gradients.changes();
    this.say(`${reading(this.network, this.probabilities())}.${changes}${several}`);
  }

  probabilities() {
    return this.values && Array.from(this.values.at(-1).data);
  }

  scene() {
    const { network, scales, values, gradients: { found: gradients, before } } = this;
    const { chosen, channel, listing } = this.unit;
    return {
      network, scales, values, gradients, chosen, channel, listing,
      before: before ?? this.drawing.before,
      pick: (c) => this.unit.pickChannel(c),
    };
  }

  draw() {
    const scene = this.scene();
    const shown = picture(scene);
    this.page.draw(scene.gradients ? { ...shown, maps: gradientMaps(scene) } : shown);
    this.drawSum();
  }

  drawSum() {
    const scene = this.scene();
    this.page.drawSum(scene.gradients ? gradientSum(scene) : sumPicture(scene));
  }
}

export default { render: (page) => new XRay(page).begin() };
