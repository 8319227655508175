// Keys of the duplicates' pages: m merges, n says they are two people, s puts off. j, k and Enter are those of every list.

function typing(event) {
  return event.target.closest("input:not([type=radio]):not([type=checkbox]), textarea, select, [contenteditable]");
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || typing(event) || document.querySelector("dialog[open]")) return;
  const place = document.querySelector("tr.is-current") ?? (document.querySelector("[data-merge]") ? document : null);
  if (!place) return;
  if (event.key === "m") {
    event.preventDefault();
    if (place.dataset?.href) location.assign(place.dataset.href);
    else place.querySelector("[data-merge]")?.click();
  } else if (event.key === "n" || event.key === "s") {
    event.preventDefault();
    place.querySelector(event.key === "n" ? "[data-different]" : "[data-skip]")?.click();
  }
});
