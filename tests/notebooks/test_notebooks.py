from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from agent.executor.workspace import Workspace
from tests.conftest import ROOT

NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))


@pytest.mark.filterwarnings("ignore")  # of Jupyter's own
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs_from_top_to_bottom_and_is_stored_without_outputs(path: Path, workspace: Workspace) -> None:
    notebook = nbformat.read(path, as_version=4)
    assert not any(cell.get("outputs") for cell in notebook.cells)
    NotebookClient(notebook, timeout=200, resources={"metadata": {"path": str(workspace.root)}}).execute()
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    printed = "".join(output.get("text", "") for output in outputs)
    assert "94 coefficients, 94 of them determined" in printed
    assert "e0001 accepted" in printed
    assert sum("image/png" in output.get("data", {}) for output in outputs) == 3
