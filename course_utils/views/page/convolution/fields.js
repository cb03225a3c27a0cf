// The fields above the convolution stepper, in the order in which they stand there.
import { h } from "../frame.js";
import { LARGEST_PADDING } from "../sizes.js";
import { choice, field } from "../stepper.js";
import { IMAGES, KERNELS } from "./patterns.js";

/**
 * By name { node, set }. change(patch): of the state; the others are given what IMAGES and KERNELS
 * hold, or null for what was typed.
 */
export function fieldsOf({ change, newImage, newKernel }) {
  const to = (name) => (value) => change({ [name]: value });
  const box = h("input", { type: "checkbox", onchange: () => change({ flip: box.checked }) });
  const title = "a true convolution lays the kernel on turned by half";
  return {
    stride: field("stride", { min: 1, max: 9 }, to("stride")),
    padding: field("padding", { min: 0, max: LARGEST_PADDING }, to("padding")),
    channels: choice("channels", { 1: 1, 2: 2, 3: 3 }, to("channels")),
    bias: field("bias", { step: "any" }, to("bias")),
    images: choice("image", { "as typed": null, ...IMAGES }, newImage),
    kernels: choice("kernel", { "as typed": null, ...KERNELS }, newKernel),
    flip: { node: h("label", { title }, box, " flip"), set: (on) => { box.checked = on; } },
  };
}
