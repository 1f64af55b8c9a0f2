"""Copies, links, litter, formats, and files that are damaged."""

from __future__ import annotations

import shutil
import struct
import zlib
from collections.abc import Sequence
from pathlib import Path

from PIL import Image, PngImagePlugin

from faulty_folders.base import CLASSES, Right, Said, faulty, noise, put, splits, two


@faulty
def twins_over_the_users_splits(root):
    splits(root, ("train", "test"), (20, 10))
    for name in CLASSES:
        for i in range(6):
            shutil.copy(root / "train" / name / f"i{i:03d}.png", root / "test" / name / f"i{i:03d}.png")
    return Right(CLASSES, 40, 8, ("12 of 20 test images are also in train",))


@faulty
def twins_in_another_format(root):
    splits(root, ("train", "test"), (20, 10))
    for i in range(6):
        Image.open(root / f"train/cat/i{i:03d}.png").save(root / f"test/cat/x{i:03d}.bmp")
    return Right(CLASSES, 40, 20, ("6 of 26 test images are also in train",))


@faulty
def twins_all_of_test(root):
    two(root / "train")
    shutil.copytree(root / "train", root / "test")
    return Said(("All 20 test images have the same pixels",))


@faulty
def twins_in_one_folder(root):
    two(root, 20)
    for name in CLASSES:
        for i in range(20):
            shutil.copy(root / name / f"i{i:03d}.png", root / name / f"copy{i:03d}.png")
    return Right(CLASSES, 64, 8, ("with the same pixels", "a picture counts once"))


@faulty
def twins_under_two_labels(root):
    two(root, 20)
    shutil.copy(root / "cat/i001.png", root / "dog/z.png")
    return Right(CLASSES, 0, 0, ("1 file with the same pixels as one of another class", "z.png"))


@faulty
def twins_with_other_metadata(root):
    two(root, 20)
    for i in range(5):
        image = Image.open(root / f"cat/i{i:03d}.png")
        exif = Image.Exif()
        exif[0x010E] = "another"
        image.save(root / f"cat/m{i:03d}.png", exif=exif)
    return Right(CLASSES, 0, 0, ("5 files with the same pixels",))


@faulty
def twins_are_too_few_pictures(root):
    two(root, 10)
    put(root / "emu", 2)
    for i in range(8):
        shutil.copy(root / "emu/i000.png", root / f"emu/c{i}.png")
    return Said(("'emu' has 2 images", "only one counts"))


@faulty
def twins_under_what_is_not_seen(root):
    splits(root, ("train", "test"), (20, 10))
    for i in range(4):
        pixels = noise(5000 + i, (12, 12, 4))
        pixels[..., 3] = 255
        pixels[6:, :, 3] = 0
        Image.fromarray(pixels).save(root / f"train/cat/half{i}.png")
        pixels[6:, :, :3] = 77
        Image.fromarray(pixels).save(root / f"test/cat/half{i}.png")
    return Right(CLASSES, 44, 20, ("4 of 24 test images are also in train",))


@faulty
def link_to_itself(root):
    two(root)
    (root / "cat/self.png").symlink_to("self.png")
    (root / "self").symlink_to("self")
    return Right(CLASSES, 16, 4, ("broken link 1", "broken link self 1"))


@faulty
def link_of_a_class_is_broken(root):
    two(root)
    (root / "emu").symlink_to(root / "nowhere")
    return Right(CLASSES, 16, 4, ("broken link emu 1",))


@faulty
def link_in_a_circle(root):
    two(root)
    (root / "cat/again").symlink_to(root / "cat")
    (root / "dog/up").symlink_to(root)
    return Right(CLASSES, 16, 4, ("2 links passed over",))


@faulty
def link_to_a_class(root):
    two(root)
    (root / "hound").symlink_to(root / "dog")
    return Right(CLASSES, 16, 4, ("1 link passed over",))


@faulty
def link_to_files(root):
    store = root.parent / f"{root.name}-store"
    for i, path in enumerate(put(store, 20)):
        target = root / CLASSES[i % 2] / path.name
        target.parent.mkdir(exist_ok=True)
        target.symlink_to(path)
        target.with_name(f"same{i}.png").symlink_to(path)
    return Right(CLASSES, 16, 4, ("20 links passed over",))


@faulty
def link_that_is_broken(root):
    two(root)
    (root / "cat/gone.png").symlink_to(root / "nowhere.png")
    return Right(CLASSES, 16, 4, ("broken link 1",))


def litter(root: Path) -> None:
    for place in (root, root / "cat"):
        for name in ("@eaDir", "__MACOSX", ".ipynb_checkpoints"):
            put(place / name, 2)
        (place / "Thumbs.db").write_bytes(b"x")
        (place / "._i000.png").write_bytes(b"\0\5\x16\7")
        (place / ".DS_Store").write_bytes(b"x")


@faulty
def litter_everywhere(root):
    two(root)
    litter(root)
    return Right(CLASSES, 16, 4, silent=("passed over",))


@faulty
def litter_in_splits(root):
    splits(root, ("train", "test"))
    litter(root / "train")
    return Right(CLASSES, 20, 10)


@faulty
def litter_of_other_kinds(root):
    two(root)
    for i in range(5):
        (root / f"cat/n{i}.txt").write_text("note")
        (root / f"cat/n{i}").write_text("note")
    return Right(CLASSES, 16, 4, ("10 files passed over: .txt 5, none 5",))


@faulty
def litter_of_loose_images(root):
    two(root)
    put(root, 3)
    return Right(CLASSES, 16, 4, ("3 images lie beside the class folders",))


@faulty
def format_jfif(root):
    put(root / "cat", 10, "jfif")
    put(root / "dog", 10, "jpe")
    return Right(CLASSES, 16, 4)


@faulty
def format_without_suffix(root):
    put(root / "cat", 10, "")
    put(root / "dog", 10, "")
    return Right(CLASSES, 16, 4)


@faulty
def format_heic(root):
    two(root)
    (root / "cat/phone.HEIC").write_bytes(b"\0\0\0\x18ftypheic" + bytes(40))
    return Said(("phone.HEIC",))


@faulty
def format_heic_called_jpg(root):
    two(root)
    (root / "cat/phone.jpg").write_bytes(b"\0\0\0\x18ftypheic" + bytes(40))
    return Said(("phone.jpg",))


@faulty
def format_heic_left_out(root):
    two(root)
    (root / "cat/phone.heic").write_bytes(b"\0\0\0\x18ftypheic" + bytes(40))
    return Right(CLASSES, 16, 4, ("1 unreadable file left out", "phone.heic"), {"skip_bad": True})

def damage(root: Path, names: Sequence[str]) -> None:
    for name in names:
        whole = (root / name).read_bytes()
        (root / name).write_bytes(whole[:len(whole) // 2])


@faulty
def bad_files_are_all_named(root):
    two(root, 20)
    damage(root, [f"cat/i{i:03d}.png" for i in range(12)])
    return Said(("12 of 40 image files", "cat/i000.png", "cat/i009.png", "and 2 more", "data.skip_bad=true"))


@faulty
def bad_files_left_out(root):
    two(root, 10)
    damage(root, ["cat/i000.png", "dog/i003.png"])
    return Right(CLASSES, 14, 4, ("2 unreadable files left out",), {"skip_bad": True})


@faulty
def bad_files_of_no_bytes(root):
    two(root)
    (root / "cat/empty.jpg").write_bytes(b"")
    (root / "dog/page.jpg").write_text("<html>not found</html>")
    return Said(("2 of 22 image files", "empty.jpg", "page.jpg"))


@faulty
def bad_file_of_test_left_out(root):
    splits(root, ("train", "test"))
    damage(root, ["test/cat/i000.png"])
    return Right(CLASSES, 20, 9, ("1 unreadable file left out",), {"skip_bad": True})


def chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


@faulty
def bad_file_is_a_bomb(root):
    two(root)
    header = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 0, 0, 0, 0)
    (root / "cat/bomb.png").write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(
        b"IDAT", zlib.compress(bytes(100))) + chunk(b"IEND", b""))
    return Said(("bomb.png is too large",))


def exif_of(tag: int, kind: int, content: bytes) -> bytes:
    """Return EXIF data of one entry whose value lies behind the directory."""
    return b"Exif\0\0II*\0" + struct.pack("<IHHHIII", 8, 1, tag, kind, 1, 26, 0) + content


@faulty
def metadata_of_orientation(root):
    two(root)
    image = Image.fromarray(noise(77))
    image.save(root / "cat/odd.jpg", exif=exif_of(0x0112, 10, struct.pack("<ii", -1, 0)))
    return Right(CLASSES, 0, 0)


@faulty
def metadata_of_nothing(root):
    two(root)
    Image.fromarray(noise(78)).save(root / "cat/odd.jpg", exif=b"Exif\0\0II*\0\xff\xff\xff\xff")
    return Right(CLASSES, 0, 0)


@faulty
def metadata_cut_short(root):
    two(root)
    Image.fromarray(noise(79)).save(root / "dog/odd.png", exif=exif_of(0x0112, 5, b"\1"))
    return Right(CLASSES, 0, 0)


@faulty
def metadata_that_unpack_to_much(root):
    two(root)
    text = PngImagePlugin.PngInfo()
    text.add_text("comment", "x" * (3 << 20), zip=True)
    Image.fromarray(noise(80)).save(root / "dog/odd.png", pnginfo=text)
    return Right(CLASSES, 17, 4)


@faulty
def metadata_of_png_damaged(root):
    two(root)
    whole = (root / "cat/i000.png").read_bytes()
    damaged = chunk(b"pHYs", b"x") + chunk(b"iCCP", b"x\0\0none") + chunk(b"eXIf", b"none")
    (root / "cat/i000.png").write_bytes(whole[:33] + damaged + whole[33:])
    return Right(CLASSES, 16, 4)
