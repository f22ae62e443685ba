"""One scored training, in or out of a campaign."""
