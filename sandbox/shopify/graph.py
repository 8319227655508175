"""Answers GraphQL documents over the shop's things, with the schema's own refusals and Shopify's count of points."""

import re
import threading
import time
from pathlib import Path

from graphql import GraphQLError, build_schema, execute, parse, validate
from graphql.language import FieldNode, OperationDefinitionNode

SCHEMA = build_schema((Path(__file__).parent / "schema.graphql").read_text())
COMPARED = re.compile(r"(updated_at|created_at):(>=|<)'([^']+)'")
CODES = {"Cannot query field": "undefinedField"}


class Bucket:
    """The points an app may spend: so many at once, filled again at a rate."""

    def __init__(self, size=2000.0, rate=100.0):
        self.size, self.rate, self.held, self.at = size, rate, size, time.monotonic()
        self.lock = threading.Lock()

    def spend(self, cost):
        """This function will take points if they are there, and tell whether they were."""
        with self.lock:
            now = time.monotonic()
            self.held, self.at = min(self.size, self.held + (now - self.at) * self.rate), now
            if self.held < cost:
                return False
            self.held -= cost
            return True

    def state(self):
        return {"maximumAvailable": self.size, "currentlyAvailable": int(self.held), "restoreRate": self.rate}


def answer(root, document, variables, bucket):
    """This function will return the body for a document, as Shopify would."""
    try:
        parsed = parse(document)
    except GraphQLError as problem:
        return {"errors": [{"message": problem.message}]}
    wrong = validate(SCHEMA, parsed)
    if wrong:
        return {"errors": [_refused(one) for one in wrong]}
    cost = (
        10
        if any(
            isinstance(one, OperationDefinitionNode) and one.operation.value == "mutation" for one in parsed.definitions
        )
        else 6
    )
    if not bucket.spend(cost):
        throttled = {"message": "Throttled", "extensions": {"code": "THROTTLED"}}
        return {"errors": [throttled], "extensions": {"cost": _cost(cost, None, bucket)}}
    done = execute(SCHEMA, parsed, root_value=root, variable_values=variables, field_resolver=resolve)
    body = {"data": done.data, "extensions": {"cost": _cost(cost, cost, bucket)}}
    return body | ({"errors": [_refused(one) for one in done.errors]} if done.errors else {})


def _cost(asked, spent, bucket):
    return {"requestedQueryCost": asked, "actualQueryCost": spent, "throttleStatus": bucket.state()}


def _refused(problem):
    code = next((code for words, code in CODES.items() if problem.message.startswith(words)), None)
    more = {"extensions": {"code": code} | (problem.extensions or {})} if code or problem.extensions else {}
    return {"message": problem.message, **more}


def resolve(source, info, **given):
    """This function will find a field of a thing; lists under a connection's name become that connection."""
    found = source[info.field_name] if isinstance(source, dict) else getattr(source, info.field_name)
    found = found(**given) if callable(found) else found
    if str(info.return_type).rstrip("!").endswith("Connection") and isinstance(found, list):
        return connection(found, first=given.get("first"), after=given.get("after"))
    return found


def connection(rows, *, first=None, after=None):
    start = int(after) if after else 0
    part = rows[start : start + first] if first else rows[start:]
    more = start + len(part) < len(rows)
    return {
        "edges": [{"node": row} for row in part],
        "nodes": part,
        "pageInfo": {"hasNextPage": more, "endCursor": str(start + len(part))},
    }


def chosen(rows, query):
    """This function will return the rows that Shopify's search syntax chooses, as far as it is used here."""
    names = {"updated_at": "updatedAt", "created_at": "createdAt"}
    for name, how, moment in COMPARED.findall(query or ""):
        rows = [row for row in rows if (row[names[name]] >= moment) is (how == ">=")]
    return list(rows)


def connections_in(document):
    """This function will return how many connections a bulk query has and how deep they lie."""

    def walk(node, depth):
        found = []
        for field in node.selection_set.selections if node.selection_set else ():
            if isinstance(field, FieldNode):
                inner = depth + (field.name.value == "edges")
                found += [inner] if field.name.value == "edges" else []
                found += walk(field, inner)
        return found

    depths = [depth for definition in parse(document).definitions for depth in walk(definition, 0)]
    return len(depths), max(depths, default=0)
