"""The stages of a run, one file each. A stage whose result lies in the run directory is not done again."""
