"""Our figures beside those of others and the limits we set, measured in one run: `python -m bench`."""
