// New mails show up by themselves; deleting asks once; the mail can be seen at a phone's width.
"use strict";
const list = document.getElementById("list");

async function refresh() {
  if (document.hidden) return;
  const address = new URL("/", location.href);
  address.searchParams.set("q", new URLSearchParams(location.search).get("q") || "");
  if (list.dataset.open) address.searchParams.set("open", list.dataset.open);
  try {
    const answer = await fetch(address, { headers: { "X-Part": "list" } });
    const text = await answer.text();
    if (answer.ok && text !== list.dataset.shown && !list.contains(document.activeElement)) {
      list.dataset.shown = text;
      list.innerHTML = text;
    }
  } catch { /* The mailbox is being restarted; the next round will tell. */ }
}
if ("live" in list.dataset) setInterval(refresh, 3000);

for (const form of document.querySelectorAll("form[data-confirm]")) {
  form.addEventListener("submit", (event) => { if (!confirm(form.dataset.confirm)) event.preventDefault(); });
}
const narrow = document.getElementById("narrow");
narrow?.addEventListener("click", () => {
  const on = document.getElementById("paper").parentElement.classList.toggle("narrow");
  narrow.setAttribute("aria-pressed", String(on));
});
