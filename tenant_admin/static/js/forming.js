// The editor of forms: what is typed is drawn beside it by the very script that draws it in a shop.
const form = document.getElementById("forming");
const { preview } = await import(form.dataset.script);
const stage = form.querySelector("[data-stage]"), fault = form.querySelector("[data-fault]");
let turn = 0, timer;

const draw = async () => {
  const mine = ++turn;
  const answer = await fetch(form.dataset.preview, { method: "POST", body: new FormData(form), headers: { Accept: "application/json" } }).catch(() => null);
  if (mine !== turn) return;
  fault.hidden = Boolean(answer?.ok);
  if (!answer?.ok) return;
  const told = await answer.json(), place = document.createElement("div");
  place.lang = stage.querySelector("[data-form]").lang;
  place.dataset.form = "";
  stage.querySelector("[data-form]").replaceWith(place);
  preview(told, place, location.href);
  stage.dataset.kind = told.kind;
};
form.addEventListener("input", () => {
  clearTimeout(timer);
  timer = setTimeout(draw, 300);
});
for (const button of form.querySelectorAll("[data-width]")) {
  button.addEventListener("click", () => {
    form.querySelector(".r-proof").dataset.shown = button.dataset.width;
    for (const one of form.querySelectorAll("[data-width]")) one.setAttribute("aria-pressed", String(one === button));
  });
}
draw();
