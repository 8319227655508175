"""Runs in a process of its own, started by `saas.marketing.converting`: turns MJML into HTML, or inlines CSS.

mrml and css-inline are native code; mrml ends the whole process on deeply nested input. Here that ends only this
child, which has a limit on memory and on time, no environment, and reads nothing but its input. It imports nothing
of the product and is run by its path.
"""

import json
import resource
import sys


def main() -> None:
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CPU, (5, 5))
    resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30))
    resource.setrlimit(resource.RLIMIT_NOFILE, (16, 16))
    asked = json.loads(sys.stdin.buffer.read())
    try:
        made = from_mjml(asked["source"]) if asked["kind"] == "mjml" else from_html(asked["source"])
        answer = {"html": made}
    except Exception as error:
        answer = {"error": str(error)}
    sys.stdout.buffer.write(json.dumps(answer).encode())


def from_mjml(source: str) -> str:
    import mrml

    # No fonts from elsewhere: a default font would make every reader's mail program ask a third party.
    options = mrml.RenderOptions(disable_comments=False, fonts={})
    parser = mrml.ParserOptions(include_loader=mrml.noop_loader())
    return mrml.to_html(source, parser, options).content


def from_html(source: str) -> str:
    import css_inline

    inliner = css_inline.CSSInliner(keep_style_tags=True, keep_at_rules=True, load_remote_stylesheets=False)
    return inliner.inline(source)


main()
