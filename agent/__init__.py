"""The loop: plan, execute, analyse."""

import os

# GitPython looks for git when it is imported; without git, `doctor` must still be able to say so.
os.environ["GIT_PYTHON_REFRESH"] = "quiet"
