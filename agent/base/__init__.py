"""The ground of the loop: files, git, durations and signals, known to every room above."""
