// The slides at a projector's size; the keys of a live view are its own until Escape.
/* global Reveal, RevealNotes -- they stand before this in the page */

Reveal.initialize({
  width: 1280,
  height: 720,
  margin: 0,
  center: false,
  hash: true,
  slideNumber: "c/t",
  controls: false,
  navigationMode: "linear", // → and ← go through all slides, whatever section they are in
  pdfSeparateFragments: false,
  transition: "none",
  plugins: [RevealNotes],
});

// Inside a live view the keys do what it says. Escape gives them back to the slides, as do the
// two keys of a remote control, which also turn the page.
const back = {
  Escape: () => {},
  PageDown: () => Reveal.next(),
  PageUp: () => Reveal.prev(),
};
function hear({ key }) {
  if (!back[key]) return;
  document.activeElement.blur();
  window.focus();
  back[key]();
}
for (const view of document.querySelectorAll("iframe")) {
  const listen = () => view.contentWindow.addEventListener("keydown", hear, { capture: true });
  listen(); // it may be there already
  view.addEventListener("load", listen);
}
