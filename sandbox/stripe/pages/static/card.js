// Groups the digits of a card, puts the stroke into the expiry, fills in a test card, and shows that a payment runs.
(() => {
  const only = (text, most) => text.replace(/\D/g, "").slice(0, most);
  const number = document.querySelector("[name=number]");
  const expiry = document.querySelector("[name=expiry]");
  const cvc = document.querySelector("[name=cvc]");
  number?.addEventListener("input", () => {
    const digits = only(number.value, 19);
    number.value = /^3[47]/.test(digits)
      ? [digits.slice(0, 4), digits.slice(4, 10), digits.slice(10)].filter(Boolean).join(" ")
      : (digits.match(/.{1,4}/g) || []).join(" ");
  });
  expiry?.addEventListener("input", (event) => {
    let digits = only(expiry.value, 4);
    if (digits.length === 1 && digits > "1") digits = "0" + digits;
    if (digits.length > 2) expiry.value = digits.slice(0, 2) + " / " + digits.slice(2);
    else if (digits.length === 2 && event.inputType !== "deleteContentBackward") expiry.value = digits + " / ";
    else expiry.value = digits;
  });
  document.querySelectorAll("[data-card]").forEach((button) =>
    button.addEventListener("click", () => {
      number.value = button.dataset.card;
      expiry.value = "12 / " + String(new Date().getFullYear() + 3).slice(2);
      cvc.value = "123";
      number.focus();
    }),
  );
  document.querySelectorAll("form[data-pay]").forEach((form) =>
    form.addEventListener("submit", () => {
      const button = form.querySelector("button.main");
      button.setAttribute("aria-busy", "true");
      button.textContent = "Processing…";
      setTimeout(() => (button.disabled = true));
    }),
  );
  window.addEventListener("pageshow", (event) => event.persisted && location.reload());
  document.querySelectorAll("[data-submits]").forEach((field) => field.addEventListener("change", () => field.form.submit()));
})();
