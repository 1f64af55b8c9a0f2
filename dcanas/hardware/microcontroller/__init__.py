"""Microcontrollers: what generated C takes of their memory, shown by a linker, and what it answers, by an emulator."""
