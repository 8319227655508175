"""Fitted models as bytes, so that one worker fits and every web worker loads from PostgreSQL or Valkey.

The bytes are a NumPy .npz without pickle: reading them can run no code. A header names the kind of model and the
version of its layout; a reader refuses what it was not written for, and the caller fits anew.
"""

from __future__ import annotations

import io
import json
import zipfile
from typing import Any

import numpy as np

from saas.kit import errors


class Unreadable(errors.Refusal):
    status, code, message = 409, "model_unreadable", "This recommendation model is of another version; fit it again."


def pack(*, kind: str, version: int, facts: dict[str, Any], arrays: dict[str, np.ndarray]) -> bytes:
    """Write a model: its kind, the version of its layout, JSON-able facts and named arrays."""
    header = json.dumps({"kind": kind, "version": version, "facts": facts}).encode()
    stream = io.BytesIO()
    np.savez(stream, allow_pickle=False, header=np.frombuffer(header, dtype=np.uint8), **arrays)
    return stream.getvalue()


def unpack(data: bytes, *, kind: str, version: int) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Read the facts and arrays of a model; raises Unreadable for other bytes, another kind or another version."""
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as stored:
            arrays = {name: stored[name] for name in stored.files}
        header = json.loads(arrays.pop("header").tobytes())
    except (ValueError, KeyError, OSError, EOFError, zipfile.BadZipFile) as error:
        raise Unreadable() from error
    if (header["kind"], header["version"]) != (kind, version):
        raise Unreadable()
    return header["facts"], arrays
