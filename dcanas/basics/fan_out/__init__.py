"""Independent tasks on several processes or machines, with results that do not depend on how many there are."""
