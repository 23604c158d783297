"""The system calls of a sandbox: what an interpreter with NumPy needs, and nothing else.

An allowed call is one of which the memory counts as that of a process, of which there are bounds.
So there are no sockets but pairs of them, which asyncio has, with buffers as they come, and as many
as a process may have open; no semaphores and queues of messages, no shared segments and files of
memory, no namespaces, keys and timers of the kernel. Numbers as in Linux's unistd.h.
"""

from __future__ import annotations

import struct
from typing import Any

#: Name of a call, its number on x86_64, and on aarch64, which lacks some.
_ALLOWED = """
read:0:63 write:1:64 open:2: openat:257:56 openat2:437:437 close:3:57 close_range:436:436
fstat:5:80 stat:4: lstat:6: newfstatat:262:79 statx:332:291 access:21: faccessat:269:48
faccessat2:439:439 lseek:8:62 mmap:9:222 mprotect:10:226 munmap:11:215 mremap:25:216 brk:12:214
madvise:28:233 mincore:27:232 msync:26:227 rt_sigaction:13:134 rt_sigprocmask:14:135
rt_sigreturn:15:139 rt_sigpending:127:136 rt_sigsuspend:130:133 sigaltstack:131:132 ioctl:16:29
pread64:17:67 pwrite64:18:68 readv:19:65 writev:20:66 preadv:295:69 pwritev:296:70 pipe:22:
pipe2:293:59 dup:32:23 dup2:33: dup3:292:24 poll:7: ppoll:271:73 select:23: pselect6:270:72
nanosleep:35:101 clock_nanosleep:230:115 clock_gettime:228:113 clock_getres:229:114
gettimeofday:96:169 time:201: times:100:153 getitimer:36:102 setitimer:38:103 alarm:37:
pause:34: getpid:39:172 gettid:186:178 getppid:110:173 getuid:102:174 geteuid:107:175
getgid:104:176 getegid:108:177 getresuid:118:148 getresgid:120:150 getgroups:115:158
getpgid:121:155 getpgrp:111: setpgid:109:154 setsid:112:157 getsid:124:156 clone:56:220 fork:57:
vfork:58: execve:59:221 wait4:61:260 waitid:247:95 exit:60:93 exit_group:231:94 kill:62:129
tkill:200:130 tgkill:234:131 futex:202:98 set_robust_list:273:99 get_robust_list:274:100
rseq:334:293 set_tid_address:218:96 arch_prctl:158: prctl:157:167 sched_yield:24:124
sched_getaffinity:204:123 sched_setaffinity:203:122 sched_getparam:143:121
sched_getscheduler:145:120 sched_get_priority_max:146:125 sched_get_priority_min:147:126
getpriority:140:141 setpriority:141:140 getcpu:309:168 getrlimit:97:163 setrlimit:160:164
prlimit64:302:261 getrusage:98:165 sysinfo:99:179 uname:63:160 getcwd:79:17 chdir:80:49
fchdir:81:50 rename:82: renameat:264:38 renameat2:316:276 mkdir:83: mkdirat:258:34 rmdir:84:
unlink:87: unlinkat:263:35 link:86: linkat:265:37 symlink:88: symlinkat:266:36 readlink:89:
readlinkat:267:78 chmod:90: fchmod:91:52 fchmodat:268:53 utime:132: utimes:235: utimensat:280:88
futimesat:261: umask:95:166 truncate:76:45 ftruncate:77:46 fallocate:285:47 fadvise64:221:223
fsync:74:82 fdatasync:75:83 flock:73:32 getdents:78: getdents64:217:61 statfs:137:43
fstatfs:138:44 fcntl:72:25 getrandom:318:278 membarrier:324:283 personality:135:92
copy_file_range:326:285 sendfile:40:71 getxattr:191:8 lgetxattr:192:9 fgetxattr:193:10
listxattr:194:11 llistxattr:195:12 flistxattr:196:13 restart_syscall:219:128 capget:125:90
socketpair:53:199 sendto:44:206 recvfrom:45:207 shutdown:48:210 getsockname:51:204
epoll_create1:291:20 epoll_ctl:233:21 epoll_wait:232: epoll_pwait:281:22
"""

#: Machine -> its number in the kernel's audit.h, and where its numbers stand in the table.
MACHINES = {"x86_64": (0xC000003E, 1), "aarch64": (0xC00000B7, 2)}

#: What a container's runtime calls between the filter and the program.
_OF_A_RUNTIME = ["capset", "setuid", "setgid", "setgroups", "setresuid", "setresgid", "fchown"]
_CLONE3 = 435  # its flags lie in memory, which no filter can read: libraries then use clone
_SET_PIPE_SIZE = 1031  # an order of fcntl: pipes as they come are small
_AF_UNIX = 1
_NOT_ALLOWED, _NOT_THERE = 0x00050001, 0x00050026  # EPERM, ENOSYS
_ALLOW = 0x7FFF0000


def numbers(machine: str) -> dict[str, int]:
    """Name -> number of what is allowed on this machine, one of MACHINES."""
    column = MACHINES[machine][1]
    rows = [row.split(":") for row in _ALLOWED.split()]
    return {row[0]: int(row[column]) for row in rows if row[column]}


def profile() -> dict[str, Any]:
    """The same for a container, as Docker and Podman take it; their runtime knows the numbers."""
    names = [row.split(":")[0] for row in _ALLOWED.split()]
    free = [name for name in names if name not in ("socketpair", "fcntl")]

    def allowed(names: list[str], *conditions: dict[str, Any]) -> dict[str, Any]:
        return {"names": names, "action": "SCMP_ACT_ALLOW", "args": list(conditions)}

    return {
        "defaultAction": "SCMP_ACT_ERRNO",
        "defaultErrnoRet": 1,
        "archMap": [
            {"architecture": "SCMP_ARCH_X86_64", "subArchitectures": []},
            {"architecture": "SCMP_ARCH_AARCH64", "subArchitectures": []},
        ],
        "syscalls": [
            allowed([*free, *_OF_A_RUNTIME]),
            allowed(["socketpair"], {"index": 0, "value": _AF_UNIX, "op": "SCMP_CMP_EQ"}),
            allowed(["fcntl"], {"index": 1, "value": _SET_PIPE_SIZE, "op": "SCMP_CMP_NE"}),
            {"names": ["clone3"], "action": "SCMP_ACT_ERRNO", "errnoRet": 38},
        ],
    }


def filter_of(machine: str) -> bytes:
    """A program of the kernel's BPF, as seccomp takes it."""
    load, equal, at_least, end = 0x20, 0x15, 0x35, 0x06
    allowed = numbers(machine)
    fcntl, pair = allowed.pop("fcntl"), allowed.pop("socketpair")
    count = len(allowed)
    program = [
        (load, 0, 0, 4),  # the architecture of the call
        (equal, 0, count + 9, MACHINES[machine][0]),
        (load, 0, 0, 0),  # its number
        (at_least, count + 7, 0, 0x40000000),  # of another table, with other numbers
        (equal, count + 8, 0, _CLONE3),
        (equal, 0, 2, fcntl),
        (load, 0, 0, 24),  # the low half of its second argument
        (equal, count + 3, count + 4, _SET_PIPE_SIZE),
        (equal, 0, 2, pair),
        (load, 0, 0, 16),  # and of its first
        (equal, count + 1, count, _AF_UNIX),
        *((equal, count - n, 0, number) for n, number in enumerate(allowed.values())),
        (end, 0, 0, _NOT_ALLOWED),
        (end, 0, 0, _ALLOW),
        (end, 0, 0, _NOT_THERE),
    ]
    return b"".join(struct.pack("HBBI", *instruction) for instruction in program)
