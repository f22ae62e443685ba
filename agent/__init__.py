"""The loop: plan, execute, analyse."""

import os
import warnings

# GitPython looks for git when it is imported; without git, `doctor` must still be able to say so.
os.environ["GIT_PYTHON_REFRESH"] = "quiet"

# Optuna's progress bar asks for ipywidgets when a notebook imports it. None is ever drawn.
warnings.filterwarnings("ignore", message="IProgress not found")
