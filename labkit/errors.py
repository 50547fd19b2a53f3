"""The one exception labkit raises for a mistake that its reader can mend."""


class LabError(Exception):
    """One clear sentence: what was wrong, what is allowed, what to do.

    The command line prints the sentence and exits with status 2; a notebook shows the sentence in place of a traceback.
    """

    def _render_traceback_(self) -> list[str]:
        """IPython calls this instead of formatting the stack."""
        return [f"LabError: {self}"]
