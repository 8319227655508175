"""The shoppers' and shops' door: what browsers of shoppers, the shops' servers and links in mails call."""

from __future__ import annotations

import importlib
import pkgutil

from flask import Flask


def register(app: Flask) -> None:
    """Put every module of this folder that has a `door` (a blueprint) on the map."""
    for found in pkgutil.iter_modules(__path__):
        blueprint = getattr(importlib.import_module(f"storefront.{found.name}"), "door", None)
        if blueprint is not None:
            app.register_blueprint(blueprint)
