"""Bulk operations: a query is gathered while it is looked for, and its result is a file of lines."""

import itertools
import json

from graphql import execute, parse, validate

from sandbox.shopify import graph


class Bulk:
    """The bulk operations of a shop. `looks` is how often one is looked for until it is done, `fail` how many fail first."""

    def __init__(self, root, *, url, looks=1):
        self.root, self.url, self.looks, self.fail, self.empty_codes = root, url, looks, 0, []
        self.held, self.files = {}, {}
        self._ids = itertools.count(7_000_000_001)
        self.queries = []

    def run(self, query, group):
        """This function will begin an operation, or return what is wrong with it."""
        parsed = parse(query)
        wrong = [one.message for one in validate(graph.SCHEMA, parsed)]
        count, depth = graph.connections_in(query)
        if not 1 <= count <= 5 or depth > 2:
            wrong.append("Bulk queries have one to five connections, two deep.")
        if wrong:
            return {"bulkOperation": None, "userErrors": [{"code": "INVALID", "field": ["query"], "message": wrong[0]}]}
        if sum(one["status"] == "RUNNING" for one in self.held.values()) >= 5:
            return {
                "bulkOperation": None,
                "userErrors": [{"code": "LIMIT_REACHED", "field": None, "message": "Five run already."}],
            }
        made = {"id": f"gid://shopify/BulkOperation/{next(self._ids)}", "status": "CREATED", "errorCode": None, "rootObjectCount": "0",
                "objectCount": "0", "fileSize": None, "url": None, "partialDataUrl": None, "left": self.looks, "query": query, "group": group}  # fmt: skip
        self.held[made["id"]] = made
        self.queries.append(query)
        return {"bulkOperation": made, "userErrors": []}

    def look(self, id):
        held = self.held.get(id)
        if held is None or held["status"] not in ("CREATED", "RUNNING"):
            return held
        if held["left"] > 0:
            held |= {"left": held["left"] - 1, "status": "RUNNING"}
        elif self.fail:
            self.fail -= 1
            held |= {"status": "FAILED", "errorCode": "TIMEOUT"}
        else:
            self._finish(held)
        return held

    def _finish(self, held):
        done = execute(graph.SCHEMA, parse(held["query"]), root_value=self.root, field_resolver=graph.resolve)
        rows = [edge["node"] for connection in done.data.values() for edge in connection["edges"]]
        lines, children = [], []
        for row in rows:
            own, below = split(row)
            lines.append(own)
            (lines if held["group"] else children).extend(below)
        raw = b"".join(json.dumps(line, separators=(",", ":")).encode() + b"\n" for line in lines + children)
        name = held["id"].rpartition("/")[2]
        self.files[name] = raw
        held |= {"status": "COMPLETED", "rootObjectCount": str(len(rows)), "objectCount": str(len(lines) + len(children)),
                 "fileSize": str(len(raw)) if raw else None, "url": f"{self.url}/files/{name}.jsonl" if raw else None}  # fmt: skip


def split(row):
    """This function will return a row without its connections, and their rows as lines that name their parent."""
    own, below = {}, []
    for name, value in row.items():
        if isinstance(value, dict) and set(value) == {"edges"}:
            below += [edge["node"] | {"__parentId": row["id"]} for edge in value["edges"]]
        else:
            own[name] = value
    return own, below
