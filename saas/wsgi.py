"""The WSGI entry: what a web server imports."""

from werkzeug.middleware.proxy_fix import ProxyFix

from saas import config
from saas.app import create_app
from saas.kit import logs

logs.begin("web")
app = create_app()
if config.get().proxy_hops:
    hops = config.get().proxy_hops
    app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops, x_host=hops)
