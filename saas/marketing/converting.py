"""MJML to HTML and CSS into style attributes, in a child process that may crash without harm."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

from saas.marketing.markup import Unreadable

LARGEST = 256 * 1024
SECONDS = 10
_CHILD = Path(__file__).with_name("mjml_child.py")
_POSITION = re.compile(r"(.*?)(?: in root template)?(?: at position (\d+):\d+)?$", re.DOTALL)


def convert(text: str, *, kind: str) -> str:
    """This function will convert checked `mjml`, or inline the CSS of `html`.

    Raises Unreadable, with the character offset in `text` where the converter names one.
    """
    asked = json.dumps({"kind": kind, "source": text}).encode()
    command = [sys.executable, "-I", str(_CHILD)]
    try:
        run = subprocess.run(command, input=asked, capture_output=True, timeout=SECONDS, env={}, check=False)
        answer = json.loads(run.stdout) if run.returncode == 0 else None
    except (subprocess.TimeoutExpired, ValueError):
        answer = None
    if answer is None:
        raise Unreadable(0, "This layout is more than the converter can take; make it simpler.")
    if "error" in answer:
        said, position = _POSITION.match(answer["error"]).groups()
        at = len(text.encode()[: int(position)].decode("utf-8", "ignore")) if position else 0
        raise Unreadable(at, f"The layout cannot be converted: {said}.")
    return answer["html"]
