"""The command line: argv, Hydra and the terminal. The only room that knows Hydra or rich."""
