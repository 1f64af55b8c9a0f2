"""One writer per folder, freed with its process."""

from __future__ import annotations

import errno
import fcntl
import os
import re
import socket
import subprocess
import sys

import pytest

from dcanas.basics.errors import UserError
from dcanas.basics.folder_lock import NAME, lock_folder

HOLD = "import sys, time; from pathlib import Path; from dcanas.basics.folder_lock import lock_folder; " \
       "lock = lock_folder(Path(sys.argv[1]), print); print('held', flush=True); time.sleep(600)"


def test_a_second_writer_is_told_who_writes_until_that_one_is_killed(tmp_path):
    holder = subprocess.Popen([sys.executable, "-c", HOLD, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert holder.stdout.readline() == "held\n"
    with pytest.raises(UserError) as caught:
        lock_folder(tmp_path, print)
    assert re.fullmatch(
        rf"Another process writes to {tmp_path} \(process {holder.pid} on {re.escape(socket.gethostname())}, since "
        r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\); wait for its end, stop it, or choose another run.dir\.", str(caught.value))
    holder.kill()
    holder.communicate()
    lock = lock_folder(tmp_path, print)
    with pytest.raises(UserError, match=f"process {os.getpid()} on"):
        lock_folder(tmp_path, print)
    lock.release()
    lock.release()
    assert (tmp_path / NAME).read_bytes() == b""
    lock_folder(tmp_path, print).release()


def test_a_file_system_without_locks_is_said(tmp_path, monkeypatch):
    def none(descriptor, how):
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(fcntl, "flock", none)
    said = []
    lock_folder(tmp_path, said.append).release()
    assert said == [f"  The file system of {tmp_path} has no locks (No locks available): let no other run write to it "
                    "meanwhile."]


@pytest.mark.parametrize("text", ["", "[]", "{", '{"process": 1}'])
def test_an_unreadable_note_is_no_fault(tmp_path, text):
    descriptor = os.open(tmp_path / NAME, os.O_RDWR | os.O_CREAT)
    os.write(descriptor, text.encode())
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    with pytest.raises(UserError, match="which has just begun"):
        lock_folder(tmp_path, print)
    os.close(descriptor)
