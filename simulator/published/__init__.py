"""Published models, simulated by their own rate laws."""
