"""The staff's door: the pages in which a company's people work."""

from __future__ import annotations

import importlib
import pkgutil

from flask import Flask, request

from saas import config


def register(app: Flask) -> None:
    """Put every module of this folder that has `pages` (a blueprint) on the map, inside the frame and behind the guards."""
    from tenant_admin import confirming, entrance, frame, gates

    settings = config.get()
    pictures = (
        settings.page_image_hosts
        if settings.production
        else (*settings.page_image_hosts, "http://127.0.0.1:*", "http://localhost:*")
    )
    frame.init(
        app,
        image_sources=pictures,
        form_targets=entrance.form_targets(settings),
        remember_locale=entrance.remember_language,
    )
    entrance.install(app)
    confirming.install(app)
    gates.install(app)
    names = set()
    for found in pkgutil.iter_modules(__path__):
        part = importlib.import_module(f"tenant_admin.{found.name}")
        blueprint = getattr(part, "pages", None)
        if blueprint is not None and (found.name != "gallery" or settings.gallery):
            app.register_blueprint(blueprint)
            names.add(blueprint.name)
    app.before_request(lambda: entrance.refuse_forged() if request.blueprint in names else None)
