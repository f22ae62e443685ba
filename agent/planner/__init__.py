"""Proposals: the contract of a planner, its registry, and what all planners share."""
