"""The outside world in a box: stand-ins for what the product talks to. Never imported by the product."""
