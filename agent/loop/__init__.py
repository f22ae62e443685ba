"""The loop: a pure decision of the next step, and the controller that performs it."""
