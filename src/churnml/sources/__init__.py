"""Where tables come from: folders and databases, the quality gate, the simulated world."""
