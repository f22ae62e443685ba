"""Hook of MkDocs: builds the site from the pages as they stand in the repository, for `make site`.

Pages are written to be read in a forge, where a link may lead to any file of the repository. On the site, a link to a
Markdown file at the root leads to a page, and one to another file to a page that shows it. The navigation is
docs/README.md: its tables are the sections.
"""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).parent.parent
_HOME, _CONTENTS, _REFERENCE = "README.md", "docs/README.md", "reference.md"
_PROJECT = ["AGENTS.md", "CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md"]
_LINK = re.compile(r"(?<=\]\()(?![a-z]+:|#)([^)\s#]+)(#[^)\s]*)?(?=\))")
_NAMED = re.compile(r"\[(\S+\.md)\]\(\1\)")  # a link whose words are the name of the file
_REPORT = re.compile(r"^(?:\S.*\n)*.*\]\(([^)]*report\.html)\).*\n(?:\S.*\n)*", re.MULTILINE)
_CODE = re.compile(r"^```.*?^```$", re.DOTALL | re.MULTILINE)
_FENCE_OF_FILE = re.compile(r"^```(\w+) (\S+)$", re.MULTILINE)
_LANGUAGES = {".py": "python", ".md": "markdown", ".j2": "jinja", ".yaml": "yaml", ".toml": "toml"}


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Take the navigation from docs/README.md."""
    contents = (ROOT / _CONTENTS).read_text(encoding="utf-8")
    nav: list[Any] = [{"stoichloop": _on_site(_HOME)}]
    for line in contents.splitlines():
        pages = [_on_site(posixpath.normpath(f"docs/{target}")) for target, _ in _LINK.findall(line)]
        if section := re.fullmatch(r"\| (to .*?) \| \|", line):
            nav.append({section[1].capitalize(): list[Any]()})
        elif line.startswith("| ["):
            next(iter(nav[-1].values())).extend(pages[:1])
        else:
            nav += [page for page in pages if page != nav[0]["stoichloop"]]
    nav += [
        {"Python reference": _REFERENCE},
        {"Notebooks": _below("notebooks/*.ipynb")},
        {"Lab notes": _below("docs/notes/*.md")},
        {"Records of campaigns": _below("docs/campaigns/*/*.md")},
        {"Project": [_on_site(name) for name in [_CONTENTS, *_PROJECT]]},
    ]
    config.nav = nav
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages that do not lie in docs/: those at the root, those of linked files, and the Python reference."""
    contents = files.get_file_from_path("README.md")
    assert contents is not None
    files.remove(contents)
    for name in (_HOME, _CONTENTS, *_PROJECT):
        files.append(File.generated(config, _on_site(name), abs_src_path=str(ROOT / name)))
    for path in map(_in_repository, _below("notebooks/*.ipynb")):
        files.append(File.generated(config, _on_site(path), content=_cells(ROOT / path)))
    pages = {_in_repository(page.src_uri): page.content_string for page in files.documentation_pages()}
    linked = {path for here, text in pages.items() for path, _, _ in _links(text, here)}
    for path in sorted(linked - pages.keys()):
        if _on_site(path).startswith("source/"):
            files.append(File.generated(config, _on_site(path), content=_shown(path)))
    files.append(File.generated(config, _REFERENCE, content="# Python reference\n\n::: stoichloop\n"))
    return files


def on_page_markdown(markdown: str, page: Page, **_: Any) -> str:
    """Fit a page to the site: its links, files that it names, the titles of its blocks, and the reports it links to."""
    here = _in_repository(page.file.src_uri)
    if page.file.src_uri.startswith("source/") and not here.endswith(".ipynb"):
        return markdown  # it shows a file as it is
    markdown = _NAMED.sub(
        lambda link: f"[{_title(posixpath.join(posixpath.dirname(here), link[1]))}]({link[1]})", markdown
    )
    markdown = _REPORT.sub(
        r'\g<0>\n<iframe class="report" src="\1" loading="lazy" title="The report"></iframe>\n', markdown
    )
    for path, written, anchor in _links(markdown, here):
        target = posixpath.relpath(_on_site(path), posixpath.dirname(page.file.src_uri))
        markdown = markdown.replace(f"]({written}{anchor})", f"]({target}{anchor})")
    return _FENCE_OF_FILE.sub(r'```\1 title="\2"', markdown)


def _links(text: str, here: str) -> Iterator[tuple[str, str, str]]:
    """Yield the path in the repository, the link as written, and the anchor, of every link in the text of `here`."""
    for target, anchor in set(_LINK.findall(_CODE.sub("", text))):
        yield posixpath.normpath(posixpath.join(posixpath.dirname(here), target)), target, anchor


def _on_site(path: str) -> str:
    """Return the source on the site of a path in the repository."""
    if path == _HOME:
        return "index.md"
    if path == _CONTENTS:
        return "contents.md"
    if path.startswith("docs/"):
        return path.removeprefix("docs/")
    return path if path in _PROJECT else f"source/{path}.md"


def _in_repository(source: str) -> str:
    """Return the path in the repository of a source on the site."""
    named = {_on_site(name): name for name in (_HOME, _CONTENTS, *_PROJECT)}
    shown = source.removeprefix("source/").removesuffix(".md") if source.startswith("source/") else f"docs/{source}"
    return named.get(source, shown)


def _below(pattern: str) -> list[str]:
    return [_on_site(str(path.relative_to(ROOT))) for path in sorted(ROOT.glob(pattern))]


def _cells(notebook: Path) -> str:
    """Return a notebook as a page: its texts, its code, and the texts and pictures that the code gave."""
    parts = []
    for cell in json.loads(notebook.read_text(encoding="utf-8"))["cells"]:
        text = "".join(cell["source"])
        parts.append(text if cell["cell_type"] == "markdown" else f"``````python\n{text}\n``````")
        for output in cell.get("outputs", ()):
            kinds = output.get("data", {})
            if "image/png" in kinds:
                parts.append(f"![output](data:image/png;base64,{''.join(''.join(kinds['image/png']).split())})")
            elif said := "".join(kinds.get("text/plain", output.get("text", ""))):
                parts.append(f"``````text\n{said}\n``````")
    return "\n\n".join(parts)


def _title(path: str) -> str:
    """Return the title of a page of the repository."""
    found = re.search(r"^# (.+)$", (ROOT / path).read_text(encoding="utf-8"), re.MULTILINE)
    return found[1] if found else path


def _shown(path: str) -> str:
    """Return a page that shows a file of the repository, or lists a folder."""
    place = ROOT / path
    if place.is_dir():
        names = sorted(each.name for each in place.iterdir() if not each.name.startswith(("_", ".")))
        return f"# {path}/\n\n" + "".join(f"- `{name}`\n" for name in names)
    language = _LANGUAGES.get(place.suffix, "text")
    return f"# {path}\n\n``````{language}\n{place.read_text(encoding='utf-8')}\n``````\n"
