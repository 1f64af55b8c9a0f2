"""The sections of a page, one per file: each takes the record of a run and returns HTML, empty if nothing is known."""
