"""What a campaign found, in the files and the programs that others work with."""
