"""How a device is reached: this machine, or a board over SSH."""
