"""How well S comes back, measured: what recipes reach and must, what simple methods do, what choices are worth."""
