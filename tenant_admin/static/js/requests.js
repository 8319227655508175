// How the page talks to the server: the token against forged requests, what a refused request says, and busy states.
import { toast } from "regulars/toasts";
import { say, make } from "regulars/words";

export const token = () => document.querySelector("meta[name=csrf-token]")?.content;

function explain(status, text) {
  if (text) {
    // an error page or fragment names its sentence; it is read, never put into this page
    const found = new DOMParser().parseFromString(text, "text/html").querySelector("[data-error-message]");
    if (found?.dataset.errorMessage) return found.dataset.errorMessage;
    try { return JSON.parse(text).error.message; } catch { /* not ours to read */ }
  }
  return say({ 401: "signed_out", 403: "forbidden", 429: "too_many" }[status] ?? "failed");
}

let line = null;
let running = 0;
let waiting = null;
function showLine() {
  running += 1;
  waiting ??= setTimeout(() => { line ??= document.body.appendChild(make("div", { class: "r-busy-line", "aria-hidden": "true" })); }, 120);
}
function hideLine() {
  running = Math.max(0, running - 1);
  if (running) return;
  clearTimeout(waiting);
  waiting = null;
  line?.remove();
  line = null;
}

export function setUpRequests() {
  document.addEventListener("htmx:config:request", (event) => {
    const { request } = event.detail.ctx;
    if (request.method !== "GET" && token()) request.headers["X-CSRFToken"] = token();
  });
  document.addEventListener("htmx:before:request", (event) => {
    if (!event.detail.ctx.sourceElement.matches("[hx-trigger*=every]")) showLine();
  });
  document.addEventListener("htmx:finally:request", (event) => {
    const { ctx } = event.detail;
    hideLine();
    const field = ctx.sourceElement.closest(".r-inline-field");
    if (field && ctx.response?.status < 300) {
      field.classList.add("is-saved");
      setTimeout(() => field.classList.remove("is-saved"), 1200);
    }
  });
  document.addEventListener("htmx:response:error", (event) => {
    const { ctx } = event.detail;
    const { status } = ctx.response;
    const unswapped = [401, 402, 403, 404, 429].includes(status) || status >= 500 || ctx.swap === "none";
    if (unswapped) toast({ text: explain(status, ctx.text), kind: "error" });
    if (status === 401) setTimeout(() => location.reload(), 1500);
  });
  document.addEventListener("htmx:error", (event) => {
    if (event.detail.error instanceof TypeError && !event.detail.ctx?.response) toast({ text: say("offline"), kind: "error" });
  });
  // a plain form shows that it works and cannot be sent twice
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (event.defaultPrevented || form.method === "dialog" || form.matches("[hx-get],[hx-post],[hx-put],[hx-patch],[hx-delete]")) return;
    if (form.dataset.sent) { event.preventDefault(); return; }
    if (form.method === "post") form.dataset.sent = "1";
    const button = event.submitter ?? form.querySelector("[type=submit]");
    if (button?.matches(".btn")) setTimeout(() => button.setAttribute("aria-busy", "true"), 80);
    showLine();
  });
  window.addEventListener("pageshow", (event) => {
    // back from the cache of the browser: nothing is busy any more
    if (!event.persisted) return;
    document.querySelectorAll("[data-sent]").forEach((form) => delete form.dataset.sent);
    document.querySelectorAll("[aria-busy=true]").forEach((button) => button.removeAttribute("aria-busy"));
    running = 0;
    hideLine();
  });
}
