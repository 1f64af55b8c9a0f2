"""The parts of a report, one per file: each takes a run's record and returns HTML, or nothing where it has nothing."""
