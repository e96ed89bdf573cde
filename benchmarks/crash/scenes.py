"""The commands that are killed: what they begin with, and what they leave unless killed."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.crash import dying

Content = Mapping[str, bytes]
"""Path relative to the place → bytes, of every file."""

_DOCUMENT = (
    "# Models\n\n<!-- rerankbench:begin plain -->\nold\n<!-- rerankbench:end plain -->\n\nEnd.\n"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """A command, what is there before it, and the exit codes of doing it again after a kill.

    `whole` are folders that must be all old or all new at any moment.
    """

    name: str
    command: tuple[str, ...]
    before: Path
    whole: tuple[str, ...] = ()
    again: tuple[int, ...] = (0,)
    unbroken: dict[str, bytes] = field(default_factory=dict)

    def prepare(self, place: Path) -> None:
        """Make the place as it is before the command."""
        shutil.rmtree(place, ignore_errors=True)
        shutil.copytree(self.before, place)


def make(folder: Path, collection: Path, model: Path) -> list[Scene]:
    """All scenes, on one collection and one model; what they begin with is kept in `folder`."""
    empty = folder / "empty"
    empty.mkdir(parents=True)
    measure = ("run", "-d", str(collection), "--no-speed", "--device", "cpu", "--engine", "torch")
    random_alone = (*measure, "-m", "random", "-q")
    finished = folder / "finished"
    shutil.copytree(empty, finished)
    _done(dying.run((*random_alone, "-k", "10", "-o", "older"), finished))
    _done(dying.run((*random_alone, "-k", "20"), finished))
    (finished / "MODELS.md").write_text(_DOCUMENT)
    shutil.rmtree(finished / "home")
    saved = folder / "saved"
    shutil.copytree(finished, saved)
    _done(dying.run(("baseline", "save", "main", "older"), saved))
    retrieve = ("retrieve", "-d", str(collection), "-k", "20", "-o", "first.trec.gz")
    main = "results/baselines/main"
    return [
        Scene(name="run", command=(*measure, "-m", str(model), "-m", "random"), before=empty),
        Scene(
            name="journal",
            command=(*measure, "-m", str(model), "--batch-tokens", "1"),
            before=empty,
        ),
        Scene(name="index", command=retrieve, before=empty),
        Scene(
            name="baseline save",
            command=("baseline", "save", "main", "results"),
            before=finished,
            whole=(main,),
            # Where the kill came after all was in place, the name is taken.
            again=(0, 2),
        ),
        Scene(
            name="baseline promote",
            command=("baseline", "promote", "main", "results", "--yes"),
            before=saved,
            whole=(main,),
        ),
        Scene(
            name="inject",
            command=("leaderboard", "results", "--inject", "MODELS.md"),
            before=finished,
        ),
        Scene(
            name="report",
            command=("report", "results", "-o", "page.html", "--plots", "plots"),
            before=finished,
        ),
    ]


def _done(ended: dying.Ended) -> None:
    if ended.code != 0:
        raise RuntimeError(f"a command that nobody killed ended with {ended.code}:\n{ended.said}")


def content(place: Path) -> dict[str, bytes]:
    """Every file below a place; of records all but when they were made."""
    files = [path for path in sorted(place.rglob("*")) if path.is_file()]
    return {str(path.relative_to(place)): _body(path) for path in files}


def _body(path: Path) -> bytes:
    body = path.read_bytes()
    if path.parent.name != "records" or path.name.startswith("."):
        return body
    try:
        record = json.loads(body)
    except ValueError:
        return body  # Half of one: it will be found to be neither the old nor the new.
    return json.dumps({**record, "started_at": None}).encode()


def broken(now: Content, scene: Scene, old: Content) -> list[str]:
    """Files that can be seen and are neither as they were nor as they are to be.

    A journal may end in half a line; what is hidden nobody reads.
    """
    seen = {name: body for name, body in now.items() if not is_hidden(name)}
    wrong = [
        name
        for name, body in seen.items()
        if not name.endswith("scores.jsonl")
        and body not in (old.get(name), scene.unbroken.get(name))
    ]
    wrong += [f"{name} is gone" for name in old if name not in seen and name in scene.unbroken]
    for folder in scene.whole:
        states = [_below(folder, each) for each in (seen, old, scene.unbroken)]
        if states[0] not in states[1:]:
            wrong.append(f"{folder} is neither the old nor the new")
    return wrong


def left_behind(now: Content, scene: Scene) -> list[str]:
    """Files that an unbroken command does not leave."""
    return sorted(now.keys() - scene.unbroken.keys())


def different(now: Content, scene: Scene) -> list[str]:
    """Files that an unbroken command leaves otherwise, or that are not there."""
    return [name for name, body in scene.unbroken.items() if now.get(name) != body]


def _below(folder: str, files: Content) -> dict[str, bytes]:
    return {name: body for name, body in files.items() if name.startswith(f"{folder}/")}


def is_hidden(name: str) -> bool:
    """Whether a file, or a folder above it, is."""
    return any(part.startswith(".") for part in name.split("/"))
