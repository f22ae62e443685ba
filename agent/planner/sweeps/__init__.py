"""The parts of the sweep: scales of fields, leads as evidence, a model of the response."""
