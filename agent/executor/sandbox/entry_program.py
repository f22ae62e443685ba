"""The program that the sandbox starts: it becomes the command, after what only it can do inside.

It sends the controller descriptors of the folders that the command may write, gives up root and looks whether the
command's files can be read. It is run by its text (`python -c`), and imports little: each trial waits for it.
"""

from __future__ import annotations

import _socket
import array
import os
import sys


def main(channel: int, user: int | None, writes: list[str], reads: list[str], command: list[str]) -> None:
    """Become the command; `channel` is a socket of the controller's, `user` the one to become, None to stay."""
    controller = _socket.socket(fileno=channel)
    folders = array.array("i", [os.open(folder, os.O_RDONLY | os.O_DIRECTORY) for folder in writes])
    controller.sendmsg([b"+"], [(_socket.SOL_SOCKET, _socket.SCM_RIGHTS, folders)])
    controller.close()
    for folder in folders:
        os.close(folder)
    if user is not None:
        os.setgroups([])
        os.setresgid(user, user, user)
        os.setresuid(user, user, user)
        for place in filter(is_closed, [command[0], *reads]):
            sys.exit(
                f"{place}: user {user}, as whom root's trials run, cannot read all of it; run 'chmod -R go+rX {place}' "
                "and 'umask 022', then try again"
            )
    os.execv(command[0], command)  # noqa: S606 - a shell would be one more program


def is_closed(place: str) -> bool:
    """Return whether a file, or something in a folder, is there and cannot be read."""
    if not os.access(place, os.R_OK):
        return os.access(place, os.F_OK)
    try:
        with os.scandir(place) as inside:
            return not os.access(place, os.X_OK) or any(is_closed(entry.path) for entry in inside)
    except NotADirectoryError:
        return False


if __name__ == "__main__":
    CHANNEL, USER, COUNT, *REST = sys.argv[1:]
    WRITES, REST = REST[: int(COUNT)], REST[int(COUNT) :]
    READS, COMMAND = REST[1 : 1 + int(REST[0])], REST[1 + int(REST[0]) :]
    main(int(CHANNEL), int(USER) if USER else None, WRITES, READS, COMMAND)
