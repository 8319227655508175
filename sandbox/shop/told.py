"""What a page tells the tracker: collected while the page is made, handed to the browser with it."""

from flask import g


def call(*what):
    """This function will have the page tell the tracker something, as `regulars(...)`."""
    g.calls.append(list(what))
