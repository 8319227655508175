"""The WSGI entry: what a web server imports."""

import gc
import sys

from werkzeug.middleware.proxy_fix import ProxyFix

from saas import config
from saas.app import create_app
from saas.customers import likeness
from saas.kit import logs

logs.begin("web")
# Who waits for the database ten times a request must get its turn back sooner than after 5 ms when another is computing.
sys.setswitchinterval(0.0005)
app = create_app()
likeness.warm()  # or the first who types a customer in waits for what reads numbers and names
# What is loaded stays to the end: looking through all of it each time again makes whoever asks just then wait for 0.2 s.
gc.collect()
gc.freeze()
if config.get().proxy_hops:
    hops = config.get().proxy_hops
    app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops, x_host=hops)
