// The row of steps, which shows how far one is, with the buttons for those who use no keys.
import { h } from "../frame.js";
import { STEPS, directionOf, written } from "./steps.js";

export class StepsBar {
  /** go(at), forward(), back(), play() and reset() are told what is pressed. */
  constructor({ go, forward, back, play, reset }) {
    this.chips = STEPS.map(({ name }, k) => h("button", {
      class: `bp-chip ${directionOf(name)}`, onclick: () => go(k + 1),
    }, written({ name })));
    this.playButton = h("button", { title: "Space", onclick: play });
    this.node = h("fieldset", { class: "bp-steps", "aria-label": "steps" },
      h("span", { class: "bp-chips" }, this.chips),
      h("span", {},
        h("button", { title: "←", "aria-label": "back", onclick: back }, "←"),
        h("button", { title: "→", "aria-label": "next", onclick: forward }, "→"),
        this.playButton, h("button", { title: "R", onclick: reset }, "reset")));
    this.played(false);
  }

  played(on) {
    this.playButton.textContent = on ? "❚❚ stop" : "▶ play";
  }

  /** Show that so many steps are made. */
  mark(at) {
    this.chips.forEach((chip, k) => {
      chip.classList.toggle("made", k < at);
      if (k === at - 1) chip.setAttribute("aria-current", "step");
      else chip.removeAttribute("aria-current");
    });
  }
}
