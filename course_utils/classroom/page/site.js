// What the site's pages do beside what their theme does.

/** What is wider than the screen can be reached by the keyboard, and then scrolled. */
function reachWide() {
  for (const box of document.querySelectorAll("pre, .formula, .table-wrapper")) {
    if (box.scrollWidth > box.clientWidth) box.tabIndex = 0;
    else box.removeAttribute("tabindex");
  }
}

window.addEventListener("DOMContentLoaded", () => {
  document.querySelector(".sidebar-drawer")?.setAttribute("aria-label", "lessons");
  document.querySelector(".toc-drawer")?.setAttribute("aria-label", "on this page");
  reachWide();
  new window.ResizeObserver(reachWide).observe(document.body);
});

/** A frame with a live view in it becomes as high as the page of the view. */
const liveFrames = () => [...document.querySelectorAll("iframe.live")];
window.addEventListener("message", ({ source, data }) => {
  const frame = liveFrames().find(({ contentWindow }) => contentWindow === source);
  if (frame && data.height) frame.style.height = `${data.height}px`;
});
window.addEventListener("load", () => {
  for (const { contentWindow } of liveFrames()) contentWindow.postMessage("height?", "*");
});

// Paper shows hints and solutions too.
window.addEventListener("beforeprint", () => {
  for (const closed of document.querySelectorAll("details:not([open])")) closed.open = true;
});
