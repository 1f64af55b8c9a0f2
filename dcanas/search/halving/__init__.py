"""Successive halving of the fine-tunings of a pretrained network's parts."""
