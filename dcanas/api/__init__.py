"""The product from Python; `dcanas` exports these names. No Hydra, command line or terminal below this line."""
