"""Images that are nearly identical: perceptual hashes that agree, confirmed by the pixels of small copies."""

from __future__ import annotations

import numpy as np
import torch

from dcanas.training.hashing import BITS, TEXTURE, difference_hash

ALIKE = 0.98  # correlation of grey copies of 32x32 pixels, from which two images are called nearly identical
CHUNK = 2048
BLOCK = 1024  # hashes with a band in common that are compared at once


def near_pairs(small: np.ndarray, copy_of: np.ndarray) -> list[tuple[int, int]]:
    """Return pairs of different pictures whose difference hashes agree in all but 8 of 256 bits and whose small copies
    correlate by 0.98 or more, in order.

    Of nine bands of the hash, two that differ in 8 bits have one in common: only such are compared.

    Args:
        small: grey copies, uint8 (N, 32, 32).
        copy_of: position of the first image with the same pixels (N,); of copies, the first alone is compared.
    """
    kept = np.flatnonzero(copy_of == np.arange(len(small)))
    if not len(kept):
        return []
    signs = np.concatenate([difference_hash(torch.from_numpy(small[kept[i:i + CHUNK], None]).float() / 255)
                            for i in range(0, len(kept), CHUNK)])
    count = (signs > 0).sum(axis=1)
    textured = (count >= TEXTURE) & (signs.shape[1] - count >= TEXTURE)
    kept, signs = kept[textured], signs[textured]
    found: set[tuple[int, int]] = set()
    for band in np.array_split(np.arange(signs.shape[1]), BITS + 1):
        value = (signs[:, band] > 0) @ (2 ** np.arange(len(band)))
        order = np.argsort(value, kind="stable")
        ends = np.append(np.flatnonzero(np.diff(value[order])) + 1, len(order))
        for start, end in zip(np.append(0, ends[:-1]), ends, strict=True):
            if end - start > 1:
                found |= _agreeing(signs, order[start:end])
    if not found:
        return []
    pairs = np.array(sorted(found))
    flat = small[kept].reshape(len(kept), -1).astype(np.float32)
    flat -= flat.mean(axis=1, keepdims=True)
    flat /= np.linalg.norm(flat, axis=1, keepdims=True) + 1e-6
    alike = np.concatenate([(flat[p[:, 0]] * flat[p[:, 1]]).sum(axis=1) >= ALIKE
                            for p in np.array_split(pairs, len(pairs) // CHUNK + 1)])
    return [(int(kept[a]), int(kept[b])) for a, b in pairs[alike]]


def _agreeing(signs: np.ndarray, members: np.ndarray) -> set[tuple[int, int]]:
    """Return the pairs among some hashes that agree in all but 8 bits, the smaller position first."""
    found = set()
    least = signs.shape[1] - 2 * BITS
    for start in range(0, len(members), BLOCK):
        block = members[start:start + BLOCK]
        pairs = np.argwhere(signs[block] @ signs[members[start:]].T >= least)
        found |= {(min(a, b), max(a, b)) for a, b in zip(block[pairs[:, 0]].tolist(),
                                                          members[start + pairs[:, 1]].tolist(), strict=True) if a != b}
    return found
