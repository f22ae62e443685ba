"""What a person does with a night: see who won and why, whether it holds on other networks, put it onto a branch."""
