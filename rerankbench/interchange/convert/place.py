"""Where the collection goes: nothing that is there is lost, and nothing is there by half."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from rerankbench.errors import StorageError, UsageError
from rerankbench.files.partials import folder_beside
from rerankbench.files.swap import recover, swap_in
from rerankbench.interchange.convert.staged import is_own


class Place:
    """The folder to make; checked before anything is read, filled in one step."""

    def __init__(self, folder: Path, sources: Iterable[Path], *, force: bool) -> None:
        """Raises UsageError where something is in the way.

        With `force` a collection that is there is replaced, and only if it holds nothing else.
        """
        self.folder = folder
        self._final = _followed(folder)
        recover(self._final.absolute().parent)
        self._replaces = self._final.is_dir() and any(self._final.iterdir())
        if self._final.exists() and not self._final.is_dir():
            raise UsageError(f"{folder}: is a file; name another folder: -o FOLDER")
        if not self._replaces:
            return
        if not force:
            raise UsageError(
                f"{folder}: is there already; name another folder (-o FOLDER), or --force "
                "replaces it"
            )
        final = self._final.resolve()
        inside = [path for path in sources if final in (path.resolve(), *path.resolve().parents)]
        others = [path for path in sorted(self._final.iterdir()) if not is_own(path)]
        if inside or others:
            name = (inside or others)[0].name
            raise UsageError(
                f"{folder}: --force would remove '{name}' in it; name another folder: -o FOLDER"
            )

    @contextmanager
    def staged(self) -> Iterator[Path]:
        """A folder to fill, gone at the end unless it was put in its place."""
        above = self._final.absolute().parent
        while not above.exists():
            above = above.parent  # Nothing is made there before it is known to be wanted.
        with ExitStack() as stack:
            try:
                folder = stack.enter_context(folder_beside(above / self._final.name))
            except OSError as error:
                raise self._refusal(error) from None
            yield folder

    def put(self, staged: Path) -> None:
        """The staged folder becomes the collection. Raises StorageError."""
        try:
            self._final.absolute().parent.mkdir(parents=True, exist_ok=True)
            if self._replaces:
                swap_in(staged, self._final)
            else:
                staged.rename(self._final)
        except OSError as error:
            raise self._refusal(error) from None

    def _refusal(self, error: OSError) -> StorageError:
        problem = f"{self.folder}: cannot be made there ({error.strerror or error})"
        return StorageError(f"{problem}; name another folder: -o FOLDER")


def _followed(folder: Path) -> Path:
    """Where a link leads; any other path as it is given. Raises UsageError."""
    try:
        return folder.resolve() if folder.is_symlink() else folder
    except (OSError, RuntimeError):
        raise UsageError(
            f"{folder}: is a link in a circle; name another folder: -o FOLDER"
        ) from None
