"""The year of a home shop: what months, weekdays and hours do to its trade."""

from datetime import timedelta

import numpy as np

#             Jan   Feb   Mar   Apr   May   Jun   Jul   Aug   Sep   Oct   Nov   Dec
MONTHS = (0.80, 0.85, 0.92, 0.97, 1.00, 0.88, 0.78, 0.80, 1.00, 1.15, 1.50, 1.75)
WEEKDAYS = (1.0, 0.95, 0.95, 1.0, 0.9, 1.05, 1.3)
HOURS = np.cumsum([1, 0.5, 0.3, 0.2, 0.2, 0.4, 1, 2, 3, 4, 4.5, 5, 5.5, 5, 4.2, 4, 4.2, 4.8, 5.5, 7, 8.5, 8, 5, 2.5])
OF_CATEGORY = {
    "planters": (0.5, 0.8, 1.7, 2.0, 1.8, 1.3, 1.0, 0.8, 0.7, 0.5, 0.4, 0.5),
    "candles": (1.0, 0.8, 0.6, 0.5, 0.4, 0.4, 0.4, 0.5, 0.9, 1.5, 2.1, 2.4),
    "lamps": (1.3, 1.1, 0.8, 0.7, 0.6, 0.5, 0.5, 0.7, 1.1, 1.5, 1.5, 1.3),
    "textiles": (1.3, 1.1, 0.9, 0.8, 0.7, 0.6, 0.6, 0.8, 1.1, 1.4, 1.4, 1.3),
}


class Year:
    """Answers how busy a day is; days are numbered from `start`."""

    def __init__(self, start, days, categories):
        dates = [start + timedelta(days=day) for day in range(days + 1)]
        self.trade = np.array([MONTHS[date.month - 1] * WEEKDAYS[date.weekday()] * evening(date) for date in dates])
        flat = (1.0,) * 12
        self.moods = np.array(
            [[OF_CATEGORY.get(name, flat)[month] for name in categories] for month in range(12)]
        )  # fmt: skip
        self.month = [date.month - 1 for date in dates]
        # Days are counted from the hour of `start`, which need not be midnight.
        self.begins = (start - start.replace(hour=0, minute=0, second=0, microsecond=0)).total_seconds() / 86_400

    def weight(self, day):
        """This function will return how much is going on, day by day; 1 is usual."""
        return self.trade[np.clip(np.asarray(day, dtype=int), 0, len(self.trade) - 1)]

    def mood(self, day):
        """This function will return the weight of each category on that day."""
        return self.moods[self.month[int(day)]]

    def moment(self, day, rng):
        """This function will move a day number to a likely hour of that day, most often one in the evening."""
        hour = np.searchsorted(HOURS, rng.random() * HOURS[-1]) + rng.random()
        return float(np.floor(day) + (hour / 24 - self.begins) % 1)

    def moments(self, count, *, first, last, rng, growth=0.0):
        """This function will return `count` moments from day `first` to `last`, as dense as trade is on those days."""
        days = np.arange(int(first), int(last))
        weight = self.weight(days) * (1 + growth * (days - first) / (last - first))
        chosen = rng.choice(days, size=count, p=weight / weight.sum())
        return np.array([self.moment(day, rng) for day in chosen])


def evening(date):
    # After the last posting day before Christmas nobody orders presents.
    return 0.35 if date.month == 12 and date.day > 20 else 1.0
