// Short messages with undo. They come with the page (data-waiting), in a header of an htmx answer, or from a script.
import { say, make, drawIcon } from "regulars/words";
import { token } from "regulars/requests";

const ICONS = { done: "circle-check", info: "info-circle", warning: "alert-triangle", error: "alert-circle" };

async function undo(url) {
  const answer = await fetch(url, { method: "POST", headers: { "X-CSRFToken": token() ?? "", "HX-Request": "true" }, redirect: "manual" });
  const elsewhere = answer.headers.get("HX-Redirect");
  if (answer.ok && elsewhere) location.assign(elsewhere);
  else if (answer.ok || answer.type === "opaqueredirect") location.reload();
  else toast({ text: say("failed"), kind: "error" });
}

export function toast({ text, kind = "done", undo: undoUrl, url, label, seconds }) {
  const box = document.getElementById("toasts");
  const close = make("button", { type: "button", class: "r-toast-x", "aria-label": say("close") }, drawIcon("x", 16));
  const element = make("div", { class: `r-toast is-${kind}` }, drawIcon(ICONS[kind] ?? ICONS.info, 20), make("span", { class: "r-toast-text" }, text));
  if (undoUrl) {
    const button = make("button", { type: "button" }, say("undo"));
    button.addEventListener("click", () => { button.disabled = true; undo(undoUrl); });
    element.append(button);
  } else if (url) element.append(make("a", { href: url }, label ?? url));
  element.append(close);
  box.append(element);
  // above an open dialog, which lies in the browser's top layer
  if (box.popover !== undefined) { box.popover = "manual"; if (box.matches(":popover-open")) box.hidePopover(); box.showPopover(); }
  let timer;
  const leave = () => { element.remove(); if (!box.children.length && box.matches(":popover-open")) box.hidePopover(); };
  const start = () => { timer = setTimeout(leave, 1000 * (seconds ?? (undoUrl || kind === "error" ? 10 : 5))); };
  element.addEventListener("mouseenter", () => clearTimeout(timer));
  element.addEventListener("mouseleave", start);
  element.addEventListener("focusin", () => clearTimeout(timer));
  close.addEventListener("click", leave);
  start();
}

export function setUpToasts() {
  const box = document.getElementById("toasts");
  for (const entry of JSON.parse(box.dataset.waiting || "[]")) toast(entry);
  document.addEventListener("regulars:toasts", (event) => event.detail.items.forEach(toast));
}
