"""How the shipped corpus and model are made: `labkit build`."""
