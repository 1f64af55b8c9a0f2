"""What every room stands on and nothing of the field: errors, names, files, keys."""
