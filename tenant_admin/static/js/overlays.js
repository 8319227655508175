// Dialogs, menus and confirmations on the browser's own <dialog> and popover, which bring focus and Esc with them.
import { say, make } from "regulars/words";

function place(menu, button) {
  if (menu.classList.contains("is-sheet") && innerWidth < 768) return;
  const at = button.getBoundingClientRect();
  const { offsetWidth: width, offsetHeight: height } = menu;
  const left = menu.dataset.align === "end" ? at.right - width : at.left;
  const below = at.bottom + 6 + height <= innerHeight || at.top < height;
  menu.style.left = `${Math.max(8, Math.min(left, innerWidth - width - 8))}px`;
  menu.style.top = `${below ? at.bottom + 6 : at.top - height - 6}px`;
}

export function ask(text, label) {
  return new Promise((resolve) => {
    const cancel = make("button", { type: "button", class: "btn" }, say("cancel"));
    const go = make("button", { type: "button", class: "btn btn-primary" }, label ?? say("confirm"));
    const dialog = make("dialog", { class: "r-dialog is-confirm", "aria-label": say("sure") },
      make("form", { method: "dialog" }, make("h2", {}, text), make("div", { class: "r-dialog-end" }, cancel, go)));
    const done = (answer) => { dialog.close(); dialog.remove(); resolve(answer); };
    cancel.addEventListener("click", () => done(false));
    go.addEventListener("click", () => done(true));
    dialog.addEventListener("cancel", (event) => { event.preventDefault(); done(false); });
    document.body.append(dialog);
    dialog.showModal();
    go.focus();
  });
}

export function open(id) {
  const dialog = document.getElementById(id);
  if (!dialog || dialog.open) return;
  dialog.showModal();
  (dialog.querySelector("[autofocus]") ?? dialog.querySelector(".r-dialog-body input:not([type=hidden]), .r-dialog-body select, .r-dialog-body textarea"))?.focus();
}

export function setUpOverlays() {
  document.addEventListener("toggle", (event) => {
    const menu = event.target;
    if (!menu.matches?.(".r-menu[popover]")) return;
    const button = document.querySelector(`[popovertarget="${CSS.escape(menu.id)}"]`);
    button?.setAttribute("aria-expanded", String(event.newState === "open"));
    if (event.newState !== "open" || !button) return;
    place(menu, button);
    menu.querySelector(".r-menu-item, button")?.focus({ preventScroll: true });
  }, true);
  document.addEventListener("keydown", (event) => {
    const menu = event.target.closest?.(".r-menu:popover-open");
    if (!menu || !["ArrowDown", "ArrowUp", "Home", "End"].includes(event.key)) return;
    event.preventDefault();
    const items = [...menu.querySelectorAll("a, button")];
    const at = items.indexOf(document.activeElement);
    const next = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: items.length - 1 }[event.key];
    items[(next + items.length) % items.length]?.focus();
  });
  window.addEventListener("scroll", () => {
    for (const menu of document.querySelectorAll(".r-menu:popover-open")) {
      const button = document.querySelector(`[popovertarget="${CSS.escape(menu.id)}"]`);
      if (button) place(menu, button);
    }
  }, { passive: true });
  document.addEventListener("click", async (event) => {
    const opener = event.target.closest("[data-open]");
    if (opener) {
      opener.closest("[popover]")?.hidePopover();
      open(opener.dataset.open);
    }
    if (event.target.closest("[data-close]")) event.target.closest("dialog")?.close();
    if (event.target.matches("dialog.r-dialog:not(.is-confirm)")) {
      const box = event.target.getBoundingClientRect();
      const inside = event.clientX >= box.left && event.clientX <= box.right && event.clientY >= box.top && event.clientY <= box.bottom;
      if (!inside) event.target.close();
    }
    const button = event.target.closest("[data-confirm]");
    if (button && !button.dataset.confirmed) {
      event.preventDefault();
      button.closest("[popover]")?.hidePopover();
      if (!(await ask(button.dataset.confirm, button.dataset.confirmLabel))) return;
      button.dataset.confirmed = "1";
      button.click();
      delete button.dataset.confirmed;
    }
  });
  document.addEventListener("htmx:confirm", (event) => {
    const { ctx, issueRequest, dropRequest } = event.detail;
    if (!ctx.confirm) return;
    event.preventDefault();
    ask(ctx.confirm, ctx.sourceElement.dataset.confirmLabel).then((yes) => (yes ? issueRequest() : dropRequest()));
  });
  document.querySelectorAll("dialog[data-open-now]").forEach((dialog) => open(dialog.id));
}
