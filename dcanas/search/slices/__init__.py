"""Search among the slices of one pretrained network: a supernet judges them, fine-tunings decide."""
