"""Errors that a person can mend."""


class StoichloopError(Exception):
    """The message is one clear sentence: what is wrong, where, and what to do. It is shown without a traceback."""
