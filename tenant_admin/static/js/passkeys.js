// Passkeys: a form with data-passkey ("create" or "get") asks the device before it is sent, and carries its answer in the
// field "credential". data-options is where the server says what to ask for.
import { say as word } from "regulars/words";

const toBytes = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (sign) => sign.charCodeAt(0));
const toText = (buffer) => btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");

function readable(options) {
  const known = { ...options, challenge: toBytes(options.challenge) };
  if (options.user) known.user = { ...options.user, id: toBytes(options.user.id) };
  for (const list of ["allowCredentials", "excludeCredentials"]) {
    if (options[list]) known[list] = options[list].map((key) => ({ ...key, id: toBytes(key.id) }));
  }
  return known;
}

function writable(credential) {
  const answer = credential.response;
  const response = { clientDataJSON: toText(answer.clientDataJSON) };
  for (const part of ["attestationObject", "authenticatorData", "signature", "userHandle"]) {
    if (answer[part]) response[part] = toText(answer[part]);
  }
  if (answer.getTransports) response.transports = answer.getTransports();
  return JSON.stringify({
    id: credential.id, rawId: toText(credential.rawId), type: credential.type, response,
    clientExtensionResults: credential.getClientExtensionResults(), authenticatorAttachment: credential.authenticatorAttachment,
  });
}

async function ask(form) {
  const answer = await fetch(form.dataset.options, {
    method: "POST",
    headers: { "X-CSRFToken": document.querySelector('meta[name="csrf-token"]').content, Accept: "application/json" },
  });
  if (!answer.ok) throw new Error("options");
  const publicKey = readable(await answer.json());
  return writable(await navigator.credentials[form.dataset.passkey]({ publicKey }));
}

function tell(form, text) {
  const place = form.querySelector("[data-said]");
  place.textContent = text;
  place.hidden = !text;
}

export function setUpPasskeys() {
  document.addEventListener("submit", async (event) => {
    const form = event.target.closest("form[data-passkey]");
    if (!form || form.elements.credential.value) return;
    event.preventDefault();
    event.stopPropagation();
    tell(form, "");
    if (!window.PublicKeyCredential) return tell(form, word("passkey_unknown"));
    if (form.dataset.origin && form.dataset.origin !== location.origin) return tell(form, `${word("passkey_elsewhere")} ${form.dataset.origin}`);
    try {
      form.elements.credential.value = await ask(form);
      form.submit();
    } catch (error) {
      tell(form, word(error.name === "InvalidStateError" ? "passkey_known" : "passkey_failed"));
    }
  }, true);
}
