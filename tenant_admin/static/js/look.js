// Light or dark, and the folded navigation: kept in cookies, so that the server draws the next page right at once.
const root = document.documentElement;
const system = matchMedia("(prefers-color-scheme: dark)");
const keep = (name, value) => {
  document.cookie = `${name}=${value}; path=/; max-age=31536000; samesite=lax${location.protocol === "https:" ? "; secure" : ""}`;
};

export function fold() {
  const folded = root.dataset.fold !== "1";
  if (folded) root.dataset.fold = "1";
  else delete root.dataset.fold;
  keep("fold", folded ? "1" : "0");
  window.dispatchEvent(new Event("resize"));
}

function wear(choice) {
  root.dataset.themeChoice = choice;
  const worn = choice === "auto" ? (system.matches ? "dark" : "light") : choice;
  if (root.dataset.bsTheme === worn) return;
  root.dataset.bsTheme = worn;
  document.dispatchEvent(new CustomEvent("regulars:theme"));
}

export function setUpLook() {
  document.addEventListener("click", (event) => {
    if (event.target.closest("[data-fold]") && event.target.closest("button")) fold();
    const button = event.target.closest("[data-theme-set]");
    if (!button) return;
    keep("theme", button.dataset.themeSet);
    wear(button.dataset.themeSet);
    for (const one of document.querySelectorAll("[data-theme-set]")) one.setAttribute("aria-pressed", String(one.dataset.themeSet === button.dataset.themeSet));
  });
  system.addEventListener("change", () => { if (root.dataset.themeChoice === "auto") wear("auto"); });
}
