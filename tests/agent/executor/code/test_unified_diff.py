"""Diffs as models and editors write them: mended where it is plain what is meant, else refused with the mend."""

import pytest

from agent.executor.code.unified_diff import PatchRefusedError, as_git_reads

BODY = "@@ -1,2 +1,2 @@\n import math\n-a\n+b\n"
PLAIN = f"--- a/gnn/loss.py\n+++ b/gnn/loss.py\n{BODY}"
READ = f"diff --git a/gnn/loss.py b/gnn/loss.py\n{PLAIN}"
MADE = "@@ -0,0 +1 @@\n+a = 1\n"
NEW = f"diff --git a/gnn/new.py b/gnn/new.py\nnew file mode 100644\n--- /dev/null\n+++ b/gnn/new.py\n{MADE}"
OLD = f"diff --git a/gnn/old.py b/gnn/old.py\ndeleted file mode 100644\n--- a/gnn/old.py\n+++ /dev/null\n{BODY}"
MOVED = "diff --git a/gnn/a.py b/gnn/b.py\nsimilarity index 100%\nrename from gnn/a.py\nrename to gnn/b.py\n"


@pytest.mark.parametrize(
    ("diff", "read"),
    [
        (PLAIN, READ),
        (READ, READ),
        (READ.replace("a/", "").replace("b/", ""), READ),
        (PLAIN.replace("a/", "").replace("b/", ""), READ),
        (READ.replace("\n", "\r\n"), READ),
        (f"Here it is:\n```diff\n{PLAIN}```\nIt helps.\n", READ),
        (f"{READ}-- \n2.39.5\n", READ),
        (PLAIN.replace("loss.py\n", "loss.py\t2026-01-01 00:00:00\n"), READ),
        (PLAIN + PLAIN.replace("loss", "adam"), READ + READ.replace("loss", "adam")),
        (f"{PLAIN}\n" + PLAIN.replace("loss", "adam"), READ + READ.replace("loss", "adam")),
        (f"{READ}\n\n" + READ.replace("loss", "adam"), READ + READ.replace("loss", "adam")),
        (PLAIN.replace("2 @@", "3 @@").replace("-1,2", "-1,3") + "\n", READ.replace("-1,2 +1,2", "-1,3 +1,3") + " \n"),
        (f"\ufeff{PLAIN}", READ),
        (f"diff --git a/gnn/new.py b/gnn/new.py\n--- /dev/null\n+++ b/gnn/new.py\n{MADE}", NEW),
        (f"--- /dev/null\n+++ gnn/new.py\n{MADE}", NEW),
        (f"--- gnn/old.py\n+++ /dev/null\n{BODY}", OLD),
        (NEW.replace("+1 @@", "+1 @@ class A:"), NEW.replace("+1 @@", "+1 @@ class A:")),
        (MOVED, MOVED),
        (MOVED.replace("a/", "").replace(" b/", " "), MOVED),
        (
            '--- "a/gnn/gr\\303\\266\\303\\237e.py"\n+++ "b/gnn/gr\\303\\266\\303\\237e.py"\n' + BODY,
            READ.replace("loss", "größe"),
        ),
    ],
)
def test_what_is_plainly_meant_is_mended(diff: str, read: str) -> None:
    assert as_git_reads(diff) == read


@pytest.mark.parametrize(
    ("diff", "words"),
    [
        ("I would rather change the learning rate.", "no file is named in it; write --- a/gnn/FILE"),
        ("", "no file is named in it"),
        ("*** Begin Patch\n*** Update File: gnn/loss.py\n@@\n-a\n+b\n*** End Patch\n", "or give edits"),
        (PLAIN.replace("@@ -1,2 +1,2 @@", "@@"), "'@@' does not say which lines it changes; write"),
        (PLAIN.replace("@@ -1,2 +1,2 @@", "@@ ... @@"), "'@@ ... @@' does not say which lines it changes"),
        (PLAIN.replace("@@ -1,2 +1,2 @@", "@@ class A:"), "does not say which lines it changes"),
        (PLAIN.replace("a\n", "a\0\n"), "a NUL character"),
        (PLAIN.replace(BODY, "@@ -2,0 +3,1 @@\n+import math\n"), "has no unchanged line, so its place is not certain"),
        (PLAIN.replace(BODY, "@@ -1,0 +2 @@\n+import math\n"), "repeat up to three lines of the file"),
        (PLAIN.replace(BODY, "@@ -7 +7 @@\n-a\n+b\n"), "has no unchanged line"),
        (PLAIN + "@@ -30 +30,0 @@\n-a\n", "the hunk '@@ -30 +30,0 @@' has no unchanged line"),
        (
            NEW.replace(f"--- /dev/null\n+++ b/gnn/new.py\n{MADE}", "GIT binary patch\nliteral 0\nHcmV?d00001\n"),
            "not text",
        ),
        ('--- "a/gnn/\\377.py"\n+++ "b/gnn/\\377.py"\n' + BODY, "is no name of a file"),
    ],
)
def test_what_git_would_misplace_or_misread_is_refused_with_the_mend(diff: str, words: str) -> None:
    with pytest.raises(PatchRefusedError) as refusal:
        as_git_reads(diff)
    assert words in str(refusal.value)
