// Writing a mail: from a fault to its place, wide or narrow, and through whose eyes.
function place(text, line, column) {
  const before = text.split("\n").slice(0, line - 1);
  return before.reduce((sum, each) => sum + each.length + 1, 0) + column - 1;
}

function jump(button) {
  const { part, line, column } = button.dataset;
  const field = document.querySelector(part === "subject" ? "[name=subject]" : `[data-source=${part}]`);
  if (!field) return;
  const details = field.closest("details");
  if (details) details.open = true;
  const at = place(field.value, Number(line), Number(column));
  field.focus();
  field.setSelectionRange(at, at + 1);
  // a text area does not show its selection by itself
  const height = parseFloat(getComputedStyle(field).lineHeight) || 18;
  field.scrollTop = Math.max(0, (Number(line) - 4) * height);
}

document.addEventListener("click", (event) => {
  const fault = event.target.closest("[data-jump]");
  if (fault) jump(fault);
  const width = event.target.closest("[data-width]");
  if (width) {
    document.getElementById("look").dataset.shown = width.dataset.width;
    width.parentElement.querySelectorAll("[data-width]").forEach((one) => one.setAttribute("aria-pressed", String(one === width)));
  }
});

document.addEventListener("change", (event) => {
  const eyes = event.target.closest("[data-look]");
  if (!eyes) return;
  const address = new URL(eyes.dataset.look, location.href);
  if (eyes.value) address.searchParams.set("customer", eyes.value);
  document.querySelector(".r-proof-mail").src = address.href;
});
