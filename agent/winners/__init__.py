"""Work with a campaign's winners: evidence, ablation, verification on siblings, cherry-picking."""
