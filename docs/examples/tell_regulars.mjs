// Tells Regulars of a product, a customer and an order. Node 18 or newer, nothing to install.
// REGULARS_ADDRESS=https://crm.example.com/hooks/generic/... REGULARS_SECRET=... node tell_regulars.mjs
import { createHmac, randomUUID } from "node:crypto";

const { REGULARS_ADDRESS: address, REGULARS_SECRET: secret } = process.env;

// Sends one message and returns the answer; throws with what is wrong. Try again later with the same id.
export async function tell(type, data) {
  const body = JSON.stringify({ type, data });
  const key = secret.startsWith("whsec_") ? Buffer.from(secret.slice(6), "base64") : secret;
  const id = `msg_${randomUUID()}`;
  const now = Math.floor(Date.now() / 1000);
  const headers = {
    "content-type": "application/json",
    "webhook-id": id,
    "webhook-timestamp": String(now),
    "webhook-signature": "v1," + createHmac("sha256", key).update(`${id}.${now}.${body}`).digest("base64"),
  };
  const answer = await fetch(address, { method: "POST", body, headers });
  if (!answer.ok) throw new Error(`${answer.status} ${await answer.text()}`);
  return answer.json();
}

console.log(await tell("product.updated", {
  external_id: "tea-12", sku: "GT-100", name: "Green tea", url: "https://shop.example.com/tea-12", price: "12.50",
  currency: "EUR", categories: ["Tea"], stock: 40, active: true, updated_at: "2026-03-04T11:30:00Z",
}));
const customer = { external_id: "cust-77", email: "ann@example.com", first_name: "Ann", last_name: "Lee" };
console.log(await tell("customer.updated", { ...customer, country: "DE", updated_at: "2026-03-04T11:30:00Z" }));
console.log(await tell("order.updated", {
  external_id: "order-9", number: "2026-0009", placed_at: "2026-03-04T11:30:00Z", updated_at: "2026-03-04T11:31:00Z",
  status: "paid", currency: "EUR", customer, total: "28.90", shipping: "3.90",
  lines: [{ position: 1, product: "tea-12", name: "Green tea", quantity: 2, unit_price: "12.50" }],
}));
