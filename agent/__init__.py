"""The loop: plan, execute, analyse."""
