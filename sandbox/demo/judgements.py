"""What buyers of the simulated shop say of what they bought: mostly content, some not, a few that wait to be looked at.

One in nine orders that arrived is judged. Everything is made from the order's own number, so the same world says the same.
"""

from datetime import datetime, timedelta

import numpy as np

GOOD = (
    ("Even nicer than in the picture", "It stands on my desk now and makes me smile every morning."), ("Well made", "Heavy in the hand, smooth edges, well packed. I would buy it again."),
    ("", "Arrived two days earlier than promised. All fine."), ("A present that was loved", "My sister has not put it down since."), ("", ""),
)  # fmt: skip
MIDDLING = (
    ("All right", "Good, but a little smaller than I thought. Look at the measures."),
    ("", "The colour is warmer than on my screen."),
)
BAD = (
    ("Came with a crack", "The parcel was fine, the glaze was not. They sent a new one, but it took two weeks."),
    ("Not for me", "It looks cheap next to the others I have."),
)
ANSWER = "We are sorry. That glaze has a flaw we found since; write to us and we send you another."
SHARES = (0.58, 0.23, 0.08, 0.05, 0.06)  # five stars down to one


def judgements(world):
    """This function will yield the reviews in the shape of the CRM's API, oldest first."""
    known = {person["external_id"]: person for person in world.customers()}
    for order in world.orders():
        if order["status"] != "fulfilled" or not order.get("customer"):
            continue
        number = int(order["number"].rpartition("-")[2])
        written = datetime.fromisoformat(order["placed_at"]) + timedelta(days=12)
        if number % 9 or written > world.until:
            continue
        buyer = known.get(order["customer"].get("external_id"), order["customer"])
        yield judgement(number, written, order, buyer, np.random.default_rng([world.seed, 77, number]))


def judgement(number, written, order, buyer, rng):
    """This function will say what one buyer thinks of the first thing of an order."""
    stars = 5 - int(rng.choice(5, p=SHARES))
    choice = GOOD if stars > 3 else MIDDLING if stars == 3 else BAD
    said = choice[int(rng.integers(0, len(choice)))]
    last = buyer.get("last_name") or ""
    return {
        "external_id": f"demo-{number}", "product": order["lines"][0]["product"], "stars": stars, "title": said[0], "text": said[1],
        "name": f"{buyer.get('first_name') or ''} {last[:1]}{'.' if last else ''}".strip(), "email": buyer.get("email") or "", "verified": True,
        "state": "waiting" if number % 171 == 0 else "published", "written_at": written.isoformat(),
        "answer": ANSWER if stars == 1 else "",
    }  # fmt: skip
