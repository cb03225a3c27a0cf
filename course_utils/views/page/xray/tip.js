// A few words beside the pointer. They stand nowhere else only until the unit is chosen.
import { h } from "../frame.js";

const AWAY = 14;

export class Tip {
  node = h("div", { class: "xray-tip", "aria-hidden": "true", hidden: true });

  show(text, { clientX, clientY }) {
    const { left, top, width } = this.node.parentElement.getBoundingClientRect();
    const [x, y] = [clientX - left, clientY - top];
    const isRight = x > width / 2;
    this.node.textContent = text;
    this.node.hidden = false;
    this.node.style.transform = `translate(${isRight ? "-100%" : 0}, -100%)`;
    Object.assign(this.node.style, {
      left: `${x + (isRight ? -AWAY : AWAY)}px`, top: `${y - AWAY}px`,
    });
  }

  hide() {
    this.node.hidden = true;
  }
}
