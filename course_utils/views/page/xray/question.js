// The question of the X-ray: the drawing moves; what does the network read then?
import { prepare } from "../digit.js";
import { ANSWER_FIRST, h, predict } from "../frame.js";
import { activations, toInput } from "../network.js";
import { readAfter } from "../words.js";
import { steps } from "./drawing.js";

/** How the drawing moves, in pixels of the 28×28. */
const MOVES = [[0, -1], [0, -1], [0, -1], [0, -1]];
const WORDS = "up by 4 pixels";

export class Question {
  node = h("p");
  isOpen = false;

  /** demonstrate(before, drawings): show the move, and the probabilities of before beside it. */
  constructor({ network, demonstrate, say }) {
    Object.assign(this, { network, demonstrate, say });
  }

  ask() {
    const { start, classes } = this.network;
    const drawings = steps(start, MOVES);
    const before = probabilitiesOf(this.network, start);
    const after = probabilitiesOf(this.network, drawings.at(-1));
    const asked = predict({
      question: `The drawing moves ${WORDS}. What does the network read then?`,
      choices: classes,
      ...readAfter(this.network, before, after),
    }, () => {
      if (!this.isOpen) return;
      this.isOpen = false;
      this.demonstrate(before, drawings);
    });
    this.node.replaceWith(asked);
    this.node = asked;
    this.isOpen = true;
  }

  /** The learner has begun to draw: the question is over, and nothing is demonstrated. */
  skip() {
    if (!this.isOpen) return;
    this.isOpen = false;
    this.node.querySelector(".view-skip").click();
  }

  /** Whether the question comes first: moving the drawing would give its answer away. */
  comesFirst() {
    if (this.isOpen) this.say(ANSWER_FIRST);
    return this.isOpen;
  }
}

function probabilitiesOf(network, strokes) {
  const digit = prepare(strokes, false) ?? { bytes: [] };
  return Array.from(activations(network, toInput(digit.bytes, network)).at(-1).data);
}
