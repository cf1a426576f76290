"""The folder of one search in a store: what it is, what its owner wants of it, its log, its lock.

`search.json` never changes; `wanted.json` is written by dashboards and commands, `trials.jsonl` by the controller
alone, who holds the lock as long as it lives.
"""

import json
import shutil
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from mnistnet.errors import BadInput
from mnistnet.runs.files import locks
from mnistnet.runs.files.atomic import WriteError, write_atomic
from mnistnet.runs.files.contents import contents
from mnistnet.runs.files.names import ID_PREFIX, RUN_ID, new_id
from mnistnet.runs.store.store import Store
from mnistnet.runs.users import NotOwner, User
from mnistnet.search import search as searches
from mnistnet.search.log import LogReader, LogWriter, Phase
from mnistnet.search.search import MAX_TRIALS, Search, SearchError
from mnistnet.search.trials import Trials, folded

FOLDER = "searches"
SEARCH, WANTED, LOG, LOCK, OUTPUT = "search.json", "wanted.json", "trials.jsonl", "lock", "log.txt"
NOTICE = "notice.txt"
_MOST_BYTES = 64 * 1024

State: TypeAlias = Literal["waiting", "running", "pausing", "paused", "stopping", "stopped", "done", "failed"]


class UnknownSearch(BadInput):
    """No search, or more than one, has this id or prefix."""


class Wanted(BaseModel):
    """The wishes of a search's owner. `cluster`: the scheduler's address, empty for this machine's own queue;
    `insecure`: whether an address off the loopback may be used without TLS."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")

    state: Literal["running", "paused", "stopped"] = "running"
    trials: Annotated[int, Field(ge=1, le=MAX_TRIALS)]
    created: float = 0.0
    owner: str = ""
    cluster: str = ""
    insecure: bool = False


@dataclass(frozen=True)
class SearchFolder:
    """The folder of the search `id`. Cheap to make."""

    store: Store
    id: str

    @property
    def path(self) -> Path:
        """Its place."""
        return self.store.root / FOLDER / self.id

    def search(self) -> Search:
        """The search as it was started. Raises SearchError where its file is damaged."""
        try:
            return searches.parse(contents(self.path / SEARCH, _MOST_BYTES))
        except OSError as error:
            raise SearchError(f"search {self.id}: {error.strerror}; it was deleted or moved") from None

    def wanted(self) -> Wanted:
        """The present wishes. Raises SearchError where its file is damaged."""
        try:
            return Wanted.model_validate_json(contents(self.path / WANTED, _MOST_BYTES))
        except OSError as error:
            raise SearchError(f"search {self.id}: {error.strerror}; it was deleted or moved") from None
        except ValidationError:
            raise SearchError(f"search {self.id}: {WANTED} is damaged; delete the search") from None

    def want(self, by: User | None = None, **fields: Any) -> Wanted:
        """Change what is wanted. Raises SearchError, NotOwner, WriteError."""
        now = self.wanted()
        self._require_may_change(by, now)
        try:
            changed = Wanted.model_validate({**now.model_dump(), **fields})
        except ValidationError as error:
            problem = error.errors(include_url=False)[0]
            raise SearchError(f"{problem['loc'][0]}={problem['input']}: {problem['msg']}") from None
        write_atomic(self.path / WANTED, changed.model_dump_json().encode())
        return changed

    def _require_may_change(self, by: User | None, wanted: Wanted) -> None:
        if by and not by.is_administrator and not (wanted.owner and wanted.owner == by.name):
            raise NotOwner(
                f"search {self.id}: started by {wanted.owner or 'someone without a name'}: only they or an "
                "administrator may change it"
            )

    def reader(self) -> LogReader:
        """A reader of its log, from the beginning."""
        return LogReader(self.path / LOG)

    def writer(self) -> LogWriter:
        """A writer of its log, for whoever holds the lock."""
        return LogWriter(self.path / LOG)

    def trials(self) -> Trials:
        """Its trials so far. Raises SearchError as `search`."""
        return read_on(self.reader(), Trials(), self.search())

    def tell(self, notice: str) -> bool:
        """Have `notice` return this, for whoever holds the lock; False where the disk does not take it."""
        try:
            if notice:
                write_atomic(self.path / NOTICE, notice.encode())
            else:
                (self.path / NOTICE).unlink(missing_ok=True)
        except (WriteError, OSError):
            return False
        return True

    def notice(self) -> str:
        """What its controller waits for, as a sentence for people; empty where it waits for nothing."""
        try:
            return contents(self.path / NOTICE, _MOST_BYTES).decode("utf-8", "replace") if self.is_controlled() else ""
        except OSError:
            return ""

    def is_controlled(self) -> bool:
        """True where a controller works on it."""
        return locks.is_held(self.path / LOCK)

    def state(self, trials: Trials) -> State:
        """Its state, as `state_of` says. Raises SearchError."""
        return state_of(self.wanted(), trials, is_controlled=self.is_controlled())


def state_of(wanted: Wanted, trials: Trials, *, is_controlled: bool) -> State:
    """The state of a search. `waiting`: a controller is still to be started; any look at the store starts it."""
    if trials.finished and (trials.finished.state == "failed" or len(trials.of_phase("search")) >= wanted.trials):
        return trials.finished.state
    if wanted.state == "running":
        return "running" if is_controlled else "waiting"
    if wanted.state == "paused":
        return "pausing" if is_controlled else "paused"
    return "stopping" if is_controlled else "stopped"


def seeds_of(search: Search) -> dict[Phase, int]:
    """The number of parts of a trial in each phase."""
    return {"search": search.seeds, "finalist": search.finalist_seeds, "winner": 1}


def read_on(reader: LogReader, trials: Trials, search: Search) -> Trials:
    """The trials with what the log says since the reader's last look."""
    return folded(trials, reader.lines(), seeds_of(search))


def create(store: Store, search: Search, owner: str = "", cluster: str = "", *, insecure: bool = False) -> SearchFolder:
    """A new search in the store; nothing is started. Raises SearchError for one that could not run, WriteError."""
    searches.require_usable(search)
    folder = SearchFolder(store, new_id())
    wanted = Wanted(trials=search.trials, created=time.time(), owner=owner, cluster=cluster, insecure=insecure)
    part = folder.path.with_name(f".new-{folder.id}")
    try:
        part.mkdir(parents=True)
        write_atomic(part / SEARCH, search.to_json().encode())
        write_atomic(part / WANTED, json.dumps(wanted.model_dump()).encode())
        part.rename(folder.path)
    except OSError as error:
        raise SearchError(f"{folder.path}: {error.strerror}; nothing was started") from None
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return folder


def all_of(store: Store) -> list[SearchFolder]:
    """The searches of the store, the newest first."""
    return sorted(_folders(store), key=lambda folder: (_created(folder), folder.id), reverse=True)


def find(store: Store, prefix: str) -> SearchFolder:
    """The search whose id is or begins with `prefix`. Raises UnknownSearch where none or several do."""
    found = [folder for folder in _folders(store) if ID_PREFIX.fullmatch(prefix) and folder.id.startswith(prefix)]
    if len(found) == 1:
        return found[0]
    if not found:
        raise UnknownSearch(f"search {prefix!a}: no such search; `python -m mnistnet searches` lists them")
    names = ", ".join(folder.id for folder in found[:5])
    raise UnknownSearch(f"search {prefix!a}: {len(found)} searches begin so ({names}); give more of the id")


def delete(folder: SearchFolder, by: User | None = None) -> None:
    """Remove a search that no controller works on; its runs stay. Raises SearchError for one that is at work."""
    with suppress(SearchError):  # a damaged one can be deleted as well
        folder.want(by)
    if folder.is_controlled():
        raise SearchError(f"search {folder.id}: it is at work; stop it before deleting it")
    shutil.rmtree(folder.path, ignore_errors=True)


def _folders(store: Store) -> Iterator[SearchFolder]:
    root = store.root / FOLDER
    if root.is_dir():
        yield from (SearchFolder(store, path.name) for path in root.iterdir() if RUN_ID.fullmatch(path.name))


def _created(folder: SearchFolder) -> float:
    try:
        return folder.wanted().created
    except SearchError:
        return 0.0
