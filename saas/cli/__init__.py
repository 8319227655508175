"""The commands of `python -m saas`, one module each."""
