// Single keys outside of fields: / search, ? sheet, c create, g + letter to a room, [ fold. Rows have theirs in lists.js.
import { openPalette } from "regulars/palette";
import { open } from "regulars/overlays";
import { fold } from "regulars/look";

export const typing = (event) =>
  event.target.closest?.("input:not([type=checkbox]):not([type=radio]), textarea, select, [contenteditable=true]") || document.querySelector("dialog[open]");

let going = 0;

export function setUpKeys() {
  document.addEventListener("keydown", (event) => {
    if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k") {
      event.preventDefault();
      openPalette();
      return;
    }
    if (event.ctrlKey || event.metaKey || event.altKey || typing(event)) return;
    if (Date.now() - going < 1200 && /^[a-z]$/.test(event.key)) {
      going = 0;
      const room = document.querySelector(`[data-go="${event.key}"]`);
      if (room) { event.preventDefault(); event.stopImmediatePropagation(); room.click(); return; }
    }
    const act = {
      "/": openPalette,
      "?": () => open("keys"),
      "[": fold,
      c: () => document.querySelector("[data-create]")?.click(),
      g: () => { going = Date.now(); },
    }[event.key];
    if (!act) return;
    event.preventDefault();
    act();
  });
}
