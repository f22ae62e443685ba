"""Containment: bubblewrap, its probe, the seccomp filter, limits."""
