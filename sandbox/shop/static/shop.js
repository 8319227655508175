// What the shop's pages do in the browser: tell Regulars what the page says, and ask for consent once.
"use strict";
window.regulars ||= (...call) => { (window.regulars.q ||= []).push(call); };

const calls = document.getElementById("calls");
if (calls) for (const call of JSON.parse(calls.textContent)) window.regulars(...call);

const banner = document.getElementById("consent");
const asked = () => document.cookie.includes("fern_consent=");
const show = (on) => { if (banner) banner.hidden = !on; };

show(!asked());
banner?.addEventListener("click", ({ target }) => {
  const choice = target.dataset.choice;
  if (!choice) return;
  const consent = { analytics: choice !== "none", marketing: choice === "all" };
  document.cookie = `fern_consent=${choice};path=/;max-age=31536000;samesite=lax`;
  window.regulars("consent", consent);
  show(false);
});
document.getElementById("reopen-consent")?.addEventListener("click", () => {
  show(true);
  banner.querySelector("button").focus();
});
// A changed quantity is taken at once; without scripts the button beside it does the same.
for (const field of document.querySelectorAll("[data-send-on-change]")) {
  field.addEventListener("change", () => field.form.requestSubmit());
}
