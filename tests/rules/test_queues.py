"""What is announced is known, every job can be called, and every queue is watched."""

from __future__ import annotations

import importlib
import inspect
import re
from pathlib import Path

from saas.app import ROOMS
from saas.kit import events, queues
from workers.handing_out import resolve
from workers.reactions import REACTIONS
from workers.timetable import TASKS

ROOT = Path(__file__).parents[2]


def all_events() -> dict[str, type]:
    for room in ROOMS:
        for file in (ROOT / "saas" / room).glob("*events.py"):
            importlib.import_module(f"saas.{room}.{file.stem}")
    return {name: made for name, made in events.registry.items() if made.__module__.startswith("saas.")}


def test_every_event_has_a_line_in_the_table_of_reactions():
    assert set(all_events()) == set(REACTIONS)


def test_every_reaction_takes_its_events_fields_and_ends_in_kwargs():
    for name, reactions in REACTIONS.items():
        fields = set(all_events()[name].__dataclass_fields__)
        for reaction in reactions:
            assert reaction.function.startswith("workers.jobs."), reaction.function
            taken = inspect.signature(resolve(reaction.function)).parameters.values()
            assert [p.kind for p in taken][-1] is inspect.Parameter.VAR_KEYWORD, reaction.function
            wanted = {
                p.name
                for p in taken
                if p.kind is inspect.Parameter.KEYWORD_ONLY and p.default is inspect.Parameter.empty
            }
            assert wanted <= fields, (reaction.function, wanted - fields)
            if reaction.together > 1:  # lists of several events can be put together, nothing else
                assert all(str(all_events()[name].__annotations__[one]).startswith("list[") for one in wanted), reaction


def test_every_task_is_a_job_that_takes_its_moment():
    for task in TASKS:
        parameters = inspect.signature(resolve(task.function)).parameters
        assert "run_at" in parameters, task.function


def test_every_queue_is_watched_by_a_line_of_the_procfile():
    procfile = (ROOT / "Procfile").read_text()
    watched = set(re.findall(r"saas worker (\w+)", procfile))
    named = {reaction.queue for reactions in REACTIONS.values() for reaction in reactions} | {
        task.queue for task in TASKS
    }
    assert named <= set(queues.QUEUES) == watched
    assert re.search(r"saas relay", procfile) and re.search(r"saas timetable", procfile)


def test_every_event_is_in_the_docs():
    page = (ROOT / "docs" / "events.md").read_text(encoding="utf-8")
    assert [name for name in all_events() if f"`{name}`" not in page] == []
