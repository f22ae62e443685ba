"""Statistics: noise, acceptance of an experiment, findings."""
