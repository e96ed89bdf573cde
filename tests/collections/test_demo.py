"""The embedded demo is a collection like any other."""

from __future__ import annotations

import pytest

from rerankbench.collections.demo import open_collection
from rerankbench.errors import InputError


def test_the_demo_opens_without_a_path() -> None:
    collection = open_collection("demo", None)
    assert (collection.name, collection.source, collection.split) == ("demo", "demo", "test")
    assert open_collection("demo", "train").split == "train"
    with pytest.raises(InputError, match="no split 'dev'; there is: test, train"):
        open_collection("demo", "dev")


def test_the_demo_is_free_of_oddities() -> None:
    for split in ("test", "train"):
        collection = open_collection("demo", split)
        collection.hashes()
        assert collection.warnings() == ()
        judged = {doc_id for grades in collection.qrels().values() for doc_id in grades}
        assert collection.lookup(judged).keys() == judged
