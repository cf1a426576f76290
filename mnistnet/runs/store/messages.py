"""The message in a run's row: what may stand in it, and the epochs that it reports as missing."""

import sqlite3

_LONGEST = 2000
_MISSING = "missing: the database was replaced by an older one while it trained"


def storable(message: str) -> str:
    """The message without control characters, cut to what is allowed: the text of an error can hold anything."""
    return "".join(char if char.isprintable() else " " for char in message[:_LONGEST])


def report_missing_epochs(connection: sqlite3.Connection, run_id: str, epoch: int = 0) -> None:
    """Add to the run's message which epochs before its last one, or up to `epoch`, have no row; within a transaction.

    They were trained, and are not trained again. The rest of the message stays.
    """
    stored = {number for (number,) in connection.execute("SELECT epoch FROM epochs WHERE run = ?", (run_id,))}
    missing = [number for number in range(1, max(stored | {epoch}) + 1) if number not in stored]
    if missing:
        one = len(missing) == 1
        which = f"epoch {missing[0]} of it is" if one else f"epochs {missing[0]} to {missing[-1]} of it are"
        (message,) = connection.execute("SELECT message FROM runs WHERE id = ?", (run_id,)).fetchone()
        others = [part for part in message.split("; ") if part and not part.endswith(_MISSING)]
        connection.execute(
            "UPDATE runs SET message = ? WHERE id = ?", ("; ".join([*others, f"{which} {_MISSING}"]), run_id)
        )
