"""The planners, one a file; the file name is the name after `--planner`."""
