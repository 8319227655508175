// Small services: copy buttons, times that stay fresh, and errors that get the focus.
import { toast } from "regulars/toasts";
import { say, language } from "regulars/words";

const STEPS = [["day", 86400], ["hour", 3600], ["minute", 60]];
const speak = new Intl.RelativeTimeFormat(language, { numeric: "always" });

function refreshTimes() {
  for (const element of document.querySelectorAll("time[data-ago]")) {
    const seconds = (new Date(element.dateTime) - Date.now()) / 1000;
    const size = Math.abs(seconds);
    if (size > 2 * 86400) continue;
    const step = STEPS.find(([, length]) => size >= length * 0.9);
    element.textContent = step && size >= 45 ? speak.format(Math.round(seconds / step[1]), step[0]) : say("just_now");
  }
}

async function copy(button) {
  await navigator.clipboard.writeText(button.dataset.copy);
  toast({ text: say("copied"), seconds: 2 });
}

export function setUpSmall() {
  setInterval(refreshTimes, 60_000);
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-copy]");
    if (button) copy(button);
  });
  document.querySelector("[data-focus], .has-error input, .has-error select, .has-error textarea")?.focus();
}
