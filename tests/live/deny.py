"""Runs a program under a kernel that refuses some system calls:
deny.py seccomp|landlock PROGRAM WORDS…

`seccomp`: no further filter can be loaded.  `landlock`: no rule set can be made."""
import ctypes
import os
import struct
import sys

PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP, MODE_FILTER, ERRNO, ALLOW = 38, 22, 2, 0x50000, 0x7fff0000
EPERM = 1
NUMBERS = {'x86_64': {'prctl': 157, 'seccomp': 317}, 'aarch64': {'prctl': 167, 'seccomp': 277}}
LANDLOCK_CREATE = 444
LOAD_WORD, JUMP_EQUAL, RETURN = 0x20, 0x15, 0x06
NUMBER_AT, ARGUMENT_AT = 0, 16


def main():
    numbers = NUMBERS[os.uname().machine]
    refuse = (RETURN, 0, 0, ERRNO | EPERM)
    if sys.argv[1] == 'landlock':
        code = [(LOAD_WORD, 0, 0, NUMBER_AT), (JUMP_EQUAL, 0, 1, LANDLOCK_CREATE), refuse]
    else:
        code = [(LOAD_WORD, 0, 0, NUMBER_AT), (JUMP_EQUAL, 0, 1, numbers['seccomp']), refuse,
                (JUMP_EQUAL, 0, 3, numbers['prctl']), (LOAD_WORD, 0, 0, ARGUMENT_AT),
                (JUMP_EQUAL, 0, 1, PR_SET_SECCOMP), refuse]
    code.append((RETURN, 0, 0, ALLOW))
    program = ctypes.create_string_buffer(b''.join(struct.pack('HBBI', *step) for step in code))
    header = ctypes.create_string_buffer(struct.pack('HxxxxxxP', len(code),
                                                     ctypes.addressof(program)))
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) or libc.prctl(PR_SET_SECCOMP, MODE_FILTER,
                                                                 header, 0, 0):
        sys.exit(f'deny: {os.strerror(ctypes.get_errno())}')
    os.execv(sys.argv[2], sys.argv[2:])


main()
