"""Whether somebody has a file open for writing, as far as this machine can know.

The kernel grants a read lease on a file that nobody has open for writing, and on no other. It is asked for and given back at once.
"""

from __future__ import annotations

import ctypes
import fcntl
import signal

#: File systems on disks of this machine, by the number that statfs gives. On others a writer may sit at another machine.
_LOCAL = {
    **{0xEF53: "ext2, ext3, ext4", 0x58465342: "xfs", 0x9123683E: "btrfs", 0x2FC12FC1: "zfs"},
    **{0xF2F52010: "f2fs", 0x01021994: "tmpfs", 0x794C7630: "overlay"},
}
_libc = ctypes.CDLL(None, use_errno=True)


def is_open_for_writing(descriptor: int) -> bool | None:
    """True when somebody has the file open for writing, False when nobody has, None when that cannot be known.

    It cannot be known on a network mount, and of a file that belongs to another user unless this process may take leases on any file.

    Args:
        descriptor: The file, open for reading only.
    """
    if _file_system(descriptor) not in _LOCAL:
        return None
    try:
        # Whoever opens the file between the next two calls waits for a moment, and we are told: by a signal that ends nobody.
        fcntl.fcntl(descriptor, fcntl.F_SETSIG, signal.SIGURG)
        fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_RDLCK)
        fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_UNLCK)
    except BlockingIOError:
        return True
    except OSError:
        return None
    return False


def _file_system(descriptor: int) -> int | None:
    status = ctypes.create_string_buffer(512)
    if _libc.fstatfs(descriptor, status):
        return None
    return ctypes.c_long.from_buffer(status).value & 0xFFFFFFFF
