// Ctrl-K: one box for pages, commands and records. Places are known to the page; records come from GET /search?q=.
import { say, make, drawIcon } from "regulars/words";

let typed = 0;

function places(query) {
  const wanted = query.trim().toLowerCase();
  const known = new Map();
  for (const link of document.querySelectorAll(".r-nav a, .r-tabs a, [data-create], #me-menu a")) {
    const label = link.textContent.trim();
    if (link.href && label && !known.has(link.href) && label.toLowerCase().includes(wanted)) known.set(link.href, { label, link });
  }
  return [...known.values()].slice(0, wanted ? 5 : 12);
}

function hit({ label, link }, index) {
  const picture = link.querySelector("use")?.getAttribute("href")?.split("#")[1] ?? "arrow-right";
  return make("a", { class: "r-hit", role: "option", tabindex: "-1", "aria-selected": "false", id: `place-${index}`, href: link.href },
    drawIcon(picture), make("span", { class: "r-hit-text" }, label));
}

function choose(list, input, step) {
  const hits = [...list.querySelectorAll(".r-hit")];
  if (!hits.length) { input.removeAttribute("aria-activedescendant"); return; }
  const at = hits.findIndex((one) => one.getAttribute("aria-selected") === "true");
  const next = step === 0 ? 0 : (at + step + hits.length) % hits.length;
  hits.forEach((one, index) => one.setAttribute("aria-selected", String(index === next)));
  hits[next].scrollIntoView({ block: "nearest" });
  input.setAttribute("aria-activedescendant", hits[next].id);
}

async function look(list, input) {
  const query = input.value;
  const mine = ++typed;
  const found = places(query);
  const heading = make("p", { class: "r-menu-heading", role: "presentation" }, say("places"));
  list.replaceChildren(...(found.length ? [heading, ...found.map(hit)] : []));
  choose(list, input, 0);
  if (query.trim().length < 2) return;
  await new Promise((resolve) => setTimeout(resolve, 120));
  if (mine !== typed) return;
  const answer = await fetch(`${document.body.dataset.search}?q=${encodeURIComponent(query)}`, { headers: { "HX-Request": "true", "HX-Request-Type": "partial" } }).catch(() => null);
  if (mine !== typed) return;
  if (answer?.ok) {
    // parsed apart and taken over link by link: the answer is ours, but nothing in it needs to run
    const parsed = new DOMParser().parseFromString(await answer.text(), "text/html");
    if (mine !== typed) return;
    list.prepend(...parsed.body.querySelectorAll(".r-menu-heading, .r-hit"));
  }
  if (!list.querySelector(".r-hit")) list.replaceChildren(make("p", { class: "r-palette-note", role: "presentation" }, say("nothing_found", { query })));
  choose(list, input, 0);
}

export function openPalette() {
  const dialog = document.getElementById("palette");
  if (!dialog || dialog.open) return;
  const input = document.getElementById("palette-input");
  input.value = "";
  dialog.showModal();
  input.focus();
  look(document.getElementById("palette-hits"), input);
}

export function setUpPalette() {
  const input = document.getElementById("palette-input");
  if (!input) return;
  const list = document.getElementById("palette-hits");
  input.addEventListener("input", () => look(list, input));
  input.addEventListener("keydown", (event) => {
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      choose(list, input, event.key === "ArrowDown" ? 1 : -1);
    } else if (event.key === "Enter" && !event.isComposing) {
      event.preventDefault();
      list.querySelector(".r-hit[aria-selected=true]")?.click();
    }
  });
  list.addEventListener("click", (event) => { if (event.target.closest(".r-hit")) document.getElementById("palette").close(); });
  document.addEventListener("click", (event) => { if (event.target.closest("[data-palette]")) openPalette(); });
}
