// Rows: j and k walk, Enter opens, x chooses; a click anywhere in a row opens it; the bulk bar counts what is chosen.
import { say } from "regulars/words";
import { typing } from "regulars/keys";

const rows = () => [...document.querySelectorAll("[data-rows] tbody tr[data-href]")];

function walk(step) {
  const all = rows();
  if (!all.length) return;
  const at = all.findIndex((row) => row.classList.contains("is-current"));
  const next = Math.max(0, Math.min(all.length - 1, at < 0 ? 0 : at + step));
  all.forEach((row, index) => row.classList.toggle("is-current", index === next));
  all[next].scrollIntoView({ block: "nearest" });
  (all[next].querySelector(".r-row-link") ?? all[next].querySelector("a"))?.focus({ preventScroll: true });
}

function count(form) {
  const bar = form.querySelector("[data-bulk-bar]");
  const boxes = [...form.querySelectorAll("[data-check]")];
  const chosen = boxes.filter((box) => box.checked);
  boxes.forEach((box) => box.closest("tr").classList.toggle("is-chosen", box.checked));
  const head = form.querySelector("[data-check-all]");
  if (head) {
    head.checked = boxes.length > 0 && chosen.length === boxes.length;
    head.indeterminate = chosen.length > 0 && chosen.length < boxes.length;
  }
  if (!bar) return;
  const all = bar.querySelector("[data-bulk-all]");
  if (chosen.length < boxes.length) all.value = "";
  const label = bar.querySelector("[data-bulk-count]");
  const { total, totalText } = label.dataset;
  bar.hidden = chosen.length === 0;
  label.textContent = all.value ? say("chosen", { count: totalText }) : total ? say("chosen_of", { count: chosen.length, total: totalText }) : say("chosen", { count: chosen.length });
  const choose = bar.querySelector("[data-bulk-choose]");
  if (choose) choose.hidden = Boolean(all.value);
}

// The search field swaps the list alone, so sorting and filters may have changed since the field was drawn, and the
// other way round: what the address and the field say now is what counts.
function setUpFilters() {
  document.addEventListener("htmx:config:request", (event) => {
    const { sourceElement, request } = event.detail.ctx;
    if (!sourceElement.matches(".r-filter-search")) return;
    const field = sourceElement.querySelector("input[type=search]").name;
    for (const hidden of sourceElement.querySelectorAll("input[type=hidden]")) request.body.delete(hidden.name);
    for (const [name, value] of new URLSearchParams(location.search)) {
      if (![field, "cursor", "lang"].includes(name)) request.body.append(name, value);
    }
  });
  document.addEventListener("click", (event) => {
    const link = event.target.closest(".r-filters a.r-chip-x, .r-filters .r-chip > a, #add-filter a");
    const input = document.querySelector(".r-filter-search input[type=search]");
    if (!link || !input) return;
    const url = new URL(link.href);
    if (input.value) url.searchParams.set(input.name, input.value);
    else url.searchParams.delete(input.name);
    link.href = url;
  }, true);
}

export function setUpLists() {
  setUpFilters();
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || typing(event)) return;
    const current = document.querySelector("tr.is-current");
    if (event.key === "j" || event.key === "k") { event.preventDefault(); walk(event.key === "j" ? 1 : -1); }
    else if (event.key === "x" && current) { event.preventDefault(); current.querySelector("[data-check]")?.click(); }
    else if (event.key === "Enter" && current && (event.target === document.body || event.target === current)) location.assign(current.dataset.href);
  });
  document.addEventListener("click", (event) => {
    const row = event.target.closest("tr[data-href]");
    if (!row || event.defaultPrevented || event.target.closest("a, button, input, label, select, form.r-inline, [popover], .r-check")) return;
    if (String(getSelection())) return;
    if (event.ctrlKey || event.metaKey) window.open(row.dataset.href, "_blank", "noopener");
    else location.assign(row.dataset.href);
  });
  let last = null;
  document.addEventListener("click", (event) => {
    const form = event.target.closest("[data-bulk]");
    if (!form) return;
    const boxes = [...form.querySelectorAll("[data-check]")];
    if (event.target.matches("[data-check-all]")) boxes.forEach((box) => { box.checked = event.target.checked; });
    else if (event.target.matches("[data-check]")) {
      if (event.shiftKey && last && boxes.includes(last)) {
        const [from, to] = [boxes.indexOf(last), boxes.indexOf(event.target)].sort((a, b) => a - b);
        boxes.slice(from, to + 1).forEach((box) => { box.checked = event.target.checked; });
      }
      last = event.target;
    } else if (event.target.closest("[data-bulk-choose]")) {
      boxes.forEach((box) => { box.checked = true; });
      form.querySelector("[data-bulk-all]").value = "1";
    } else if (event.target.closest("[data-bulk-clear]")) boxes.forEach((box) => { box.checked = false; });
    else return;
    count(form);
  });
  document.addEventListener("htmx:after:swap", () => document.querySelectorAll("[data-bulk]").forEach(count));
  window.addEventListener("pageshow", () => document.querySelectorAll("[data-bulk]").forEach(count));
}
