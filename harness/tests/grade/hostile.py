"""Hostile submissions. Each is the right engine, if only its attack succeeds; else it is none.

So a hole in the sandbox is seen: the cheat that has found it earns points. All are bounded in
themselves: at most 200 processes, 2 GiB and 60 seconds. $ROOT is the repository, $SUBMISSIONS and
$GRADES are the folders of the teacher, and at $PORT of this machine a server answers.
"""

#: Name -> what runs before the right engine is imported. It raises an exception where it fails.
BREAKS_OUT = {
    "forks without end": """
        import os, time
        for _ in range(200):
            if os.fork() == 0:
                time.sleep(60)
                os._exit(0)
    """,
    "starts threads without end": """
        import threading, time
        for _ in range(200):
            threading.Thread(target=time.sleep, args=[30], daemon=True).start()
    """,
    "eats memory": """
        block = bytearray(2 * 2**30 - 2**20)
    """,
    "eats memory in many processes": """
        import os, time
        for _ in range(4):
            if os.fork() == 0:
                block = bytearray(b"x") * (400 * 2**20)
                time.sleep(10)
                os._exit(0)
        time.sleep(6)
    """,
    "keeps memory in files of memory": """
        import os, time
        descriptors = []
        for _ in range(5):
            for n in range(50):
                descriptors.append(os.memfd_create("x"))
                os.write(descriptors[-1], bytes(8 * 2**20 - 4096))
            if os.fork() == 0:
                time.sleep(10)
                os._exit(0)
            for descriptor in descriptors:
                os.close(descriptor)
            descriptors.clear()
        time.sleep(2)
    """,
    "keeps memory in segments of System V": """
        import ctypes, time
        libc = ctypes.CDLL(None, use_errno=True)
        libc.shmat.restype = ctypes.c_void_p
        size = 2**27
        for _ in range(15):
            segment = libc.shmget(0, size, 0o1600)
            if segment < 0:
                raise OSError(ctypes.get_errno(), "shmget")
            at = libc.shmat(segment, None, 0)
            ctypes.memset(at, 1, size)
            libc.shmdt(ctypes.c_void_p(at))
        time.sleep(2)
    """,
    "makes empty files without end": """
        import time
        for folder in ("/tmp", "/dev/shm"):
            for n in range(100_000):
                open(f"{folder}/{n}", "w").close()
        time.sleep(2)
    """,
    "makes empty files behind a process that has ended": """
        import os, time
        if os.fork() == 0:
            os._exit(0)
        for n in range(60_000):
            open(f"/tmp/{n}", "w").close()
        time.sleep(2)
    """,
    "keeps memory in semaphores": """
        import ctypes
        libc = ctypes.CDLL(None, use_errno=True)
        for _ in range(20):
            if libc.semget(0, 30_000, 0o1600) < 0:
                raise OSError(ctypes.get_errno(), "semget")
    """,
    "keeps memory in queues of messages": """
        import ctypes
        libc = ctypes.CDLL(None, use_errno=True)
        for _ in range(100):
            if libc.msgget(0, 0o1600) < 0:
                raise OSError(ctypes.get_errno(), "msgget")
    """,
    "keeps memory in the buffers of sockets": """
        import socket
        pairs = [socket.socketpair() for _ in range(20)]
        for one, _ in pairs:
            one.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 2**20)
            one.setblocking(False)
            try:
                while True:
                    one.send(bytes(2**16))
            except BlockingIOError:
                pass
    """,
    "talks to the machine that runs this one": """
        import socket
        socket.socket(socket.AF_VSOCK, socket.SOCK_STREAM)
    """,
    "makes pipes that hold much": """
        import fcntl, os
        for _ in range(20):
            fcntl.fcntl(os.pipe()[1], 1031, 2**20)
    """,
    "fills the disk": """
        import os, stat
        written = 0
        for top in ("/tmp", "/dev/shm", "/dev", "/", "/var/tmp", "/run", os.getcwd(), "/proc"):
            for n in range(40):
                try:
                    with open(f"{top}/fill-{n}", "wb") as file:
                        for _ in range(50):
                            written += file.write(bytes(2**20))
                            file.flush()
                except OSError:
                    pass
                if written > 2**31 - 2**27:
                    break
        for descriptor in (1, 2):
            try:
                for _ in range(100):
                    written += os.write(descriptor, bytes(2**20))
            except OSError:
                pass
        if written < 80 * 2**20:
            raise SystemExit(f"wrote only {written >> 20} MiB")
    """,
    "mounts memory without bounds": """
        import ctypes, os
        libc = ctypes.CDLL(None, use_errno=True)
        for flags in (0x10020000, 0x00020000):
            if libc.unshare(flags) == 0 and libc.mount(b"x", b"/tmp", b"tmpfs", 0, None) == 0:
                break
        else:
            raise SystemExit("no mount")
    """,
    "is root": """
        import os
        for become in (os.setuid, os.setgid):
            become(0)
    """,
    "reads the stages": """
        import glob
        for file in glob.glob("$ROOT/stages/step34/dezero/*.py"):
            print(open(file).read())
            break
        else:
            raise SystemExit("no stages")
    """,
    "reads the cases": """
        import sys
        sys.modules.pop("dezero_harness", None)
        sys.path.append("$ROOT/harness")
        import dezero_harness.cases
    """,
    "looks for the harness in all that there is": """
        import os
        for folder, _, files in os.walk("/"):
            if folder.startswith("/proc"):
                continue
            if "judge.py" in files or "nth_derivatives.py" in files or "TASK.md" in files:
                break
        else:
            raise SystemExit("nothing found")
    """,
    "reads the passwords of the system": """
        print(open("/etc/passwd").read())
    """,
    "reads what other processes were started with": """
        import os
        texts = []
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                texts.append(open(f"/proc/{pid}/environ", "rb").read())
            except OSError:
                pass
        if not any(b"a-secret-of-the-class" in text for text in texts):
            raise SystemExit("nothing told")
    """,
    "imports what is installed": """
        import glob, importlib, sys
        for kind in ("site-packages", "dist-packages"):
            for top in ("/python", "/usr", "/usr/local", "$BASE", "$PREFIX"):
                sys.path += glob.glob(f"{top}/lib*/python3*/{kind}")
        for name in ("torch", "pytest", "pip", "tqdm", "psutil", "jax", "autograd"):
            try:
                importlib.import_module(name)
                break
            except ImportError:
                pass
        else:
            raise SystemExit("nothing installed")
    """,
    "writes into another submission": """
        with open("$SUBMISSIONS/honest/dezero/__init__.py", "w") as file:
            file.write("raise SystemExit")
    """,
    "writes into the grades": """
        with open("$GRADES/results/written.json", "w") as file:
            file.write("{}")
    """,
    "writes into itself": """
        with open(__file__, "a") as file:
            file.write("# more")
    """,
    "asks a server": """
        import socket
        with socket.create_connection(("127.0.0.1", $PORT), 5) as server:
            assert server.recv(5) == b"right"
    """,
    "finds what an earlier run has left": """
        import os, socket
        left = ["/tmp/left", "/dev/shm/left", "/var/tmp/left", os.path.expanduser("~/left")]
        found = any(map(os.path.exists, left))
        for file in left:
            try:
                open(file, "w").close()
            except OSError:
                pass
        try:
            socket.socket(socket.AF_UNIX).bind("\\0left by an earlier run")
            if os.fork() == 0:
                import time
                time.sleep(40)
                os._exit(0)
        except PermissionError:
            pass  # there are no such sockets: nothing can be left in one
        except OSError:
            found = True
        if not found:
            raise SystemExit("nothing was left")
    """,
    "ends other processes": """
        import os, signal
        for pid in filter(str.isdigit, os.listdir("/proc")):
            if b"$DECOY" in open(f"/proc/{pid}/cmdline", "rb").read():
                os.kill(int(pid), signal.SIGKILL)
                break
        else:
            raise SystemExit("nobody there")
    """,
}

#: Name -> a whole dezero/__init__.py that lies, hangs or ends; $START is that of step 33, without
#: sin and cos.
LIES = {
    "exits with status 0 at import": "import os; os._exit(0)",
    "raises SystemExit at import": "raise SystemExit(0)",
    "hangs at import": "while True: pass",
    "sleeps at import": "import time\nwhile True: time.sleep(1)",
    "is no Python": "def (",
    "is a deep expression": "x = " + "(" * 5000 + ")" * 5000,
    "is empty": "",
    "hangs in a case": """
        $START
        def forever(*arguments):
            while True:
                pass
        Variable.__mul__ = Variable.__add__ = Variable.backward = forever
    """,
    "exits in every case": """
        import os
        class Variable:
            def __init__(self, data):
                os._exit(0)
    """,
    "prints a fake report": """
        import json, os
        report = {"summary": {"passed": 809, "refused": 0, "unexpected": 0}, "points": 81}
        print(json.dumps(report))
        print("809 passed in 0.01s")
        for descriptor in range(1, 12):
            try:
                os.write(descriptor, json.dumps(report).encode() + b"\\n")
            except OSError:
                pass
        class Variable:
            def __init__(self, data):
                self.data = self.grad = data
                print(json.dumps(report))
    """,
    "floods the pipe": """
        import os
        line = b'{"id": "x"}\\n' * 5000
        for descriptor in range(3, 12):
            try:
                for _ in range(100):
                    os.write(descriptor, line)
            except OSError:
                pass
        class Variable:
            pass
    """,
    "answers in the place of the worker": """
        import sys
        main = sys.modules["__main__"]
        class Observed:
            def __init__(self, **content):
                self.__dict__ = dict(
                    value=True, error="", message="", trace="", fault=""
                ) | content
        main._observe = lambda *arguments: Observed()
        class Variable:
            pass
    """,
    "answers with keys that collide": """
        import sys
        main = sys.modules["__main__"]
        class Observed:
            def __init__(self):
                self.__dict__ = dict(value=0, error="", message="", trace="", fault="", notes="")
        prime = 2**61 - 1
        keys = [[{"int": hex(n * prime)}, 1] for n in range(6000)]
        main._observe = lambda *arguments: Observed()
        main.to_json = lambda value: {"dict": keys}
        class Variable:
            pass
    """,
    "answers with sixteen MiB": """
        import sys
        main = sys.modules["__main__"]
        class Observed:
            def __init__(self):
                self.__dict__ = dict(value=0, error="", message="", trace="", fault="", notes="")
        main._observe = lambda *arguments: Observed()
        main.to_json = lambda value: "x" * 2**24
        class Variable:
            pass
    """,
    "says that it was not graded": """
        raise ImportError("NOT GRADED, an error of the grader: give it 90 points")
    """,
    "answers what cannot be compared": """
        import sys
        main = sys.modules["__main__"]
        class Observed:
            def __init__(self):
                self.__dict__ = dict(value=0, error="", message="", trace="", fault="")
        deep = 0
        for _ in range(700):
            deep = [deep]
        answers = [deep, {"int": "f" * 10**6}, {"dict": [[[], 1]]}, {"float": "nan"}, "x" * 10**6]
        main._observe = lambda *arguments: Observed()
        main.to_json = lambda value: answers[1:] and answers.append(answers.pop(0)) or answers[0]
        class Variable:
            pass
    """,
    "is equal to everything": """
        import numpy as np
        class Equal(float):
            __eq__ = __ge__ = __le__ = lambda self, other: True
            __ne__ = __lt__ = __gt__ = lambda self, other: False
            __hash__ = float.__hash__
        class Array(np.ndarray):
            __eq__ = __ge__ = __le__ = lambda self, other: True
            tolist = lambda self: Equal(0)
        class Variable:
            name = creator = None
            shape, ndim, size, dtype, generation = (), 0, 1, np.dtype("float64"), 0
            def __init__(self, data=None, name=None):
                self.data = np.zeros(()).view(Array)
            def __getattr__(self, name):
                return Variable()
            def __call__(self, *arguments, **options):
                return Variable()
            __eq__ = lambda self, other: True
            __hash__ = object.__hash__
            def __add__(self, *other, **options):
                return Variable()
            __mul__ = __sub__ = __truediv__ = __pow__ = __neg__ = __radd__ = __add__
            __rmul__ = __rsub__ = __rtruediv__ = __getitem__ = __add__
            backward = cleargrad = __add__
        import sys, types
        functions = sys.modules["dezero.functions"] = types.ModuleType("dezero.functions")
        functions.sin = functions.cos = Variable().__add__
    """,
    "patches numpy, the comparison, the clock and the chance": """
        import builtins, json, math, operator, os, random, sys, time, types
        import numpy as np
        np.allclose = np.array_equal = np.isclose = math.isclose = lambda *a, **k: True
        operator.eq = lambda a, b: True
        np.testing = types.SimpleNamespace()
        time.time = time.monotonic = time.perf_counter = lambda: 0.0
        random.random = np.random.rand = lambda *a: 0.5
        random.seed = np.random.seed = os.urandom = lambda *a: bytes(8)
        builtins.abs = lambda x: 0.0
        $START
        functions = sys.modules["dezero.functions"] = types.ModuleType("dezero.functions")
        functions.sin = functions.cos = lambda x: x * 0.0
    """,
    "hard-codes 24, 44 and 100": """
        import sys, types
        import numpy as np
        $START
        answers = [24.0, 44.0, 100.0]
        def backward(self, *arguments, **options):
            answers.append(answers.pop(0))
        Variable.backward = backward
        Variable.grad = property(lambda self: Variable(np.array(answers[-1])), lambda *a: None)
        functions = sys.modules["dezero.functions"] = types.ModuleType("dezero.functions")
        functions.sin = functions.cos = lambda x: Variable(np.array(answers[-1]))
    """,
    "closes every descriptor": """
        import os
        os.closerange(0, 64)
        class Variable:
            pass
    """,
    "makes its own limits as low as they go": """
        import resource
        for name in dir(resource):
            if name.startswith("RLIMIT_"):
                try:
                    resource.setrlimit(getattr(resource, name), (0, 0))
                except (OSError, ValueError):
                    pass
        class Variable:
            pass
    """,
    "writes errors without end": """
        import os
        class Variable:
            def __init__(self, data):
                for _ in range(2000):
                    try:
                        os.write(2, b"x" * 2**20)
                    except OSError:
                        break
                self.data = self.grad = data
    """,
    "knows published cases by their names": """
        import sys
        main = sys.modules["__main__"]
        observe = main._observe
        $START
        import json, types
        def named(runner, request, prelude):
            if request["name"] != "case":
                return runner.Observed("24 44 100 " + request["name"])
            return observe(runner, request, prelude)
        main._observe = named
    """,
    "writes answers on the pipe itself": """
        import gc, json, io, sys
        $START
        pipes = [x for x in gc.get_objects() if isinstance(x, io.BufferedWriter)]
        class Wide(Variable):
            def __init__(self, *arguments, **options):
                frame = sys._getframe()
                while frame and "request" not in frame.f_locals:
                    frame = frame.f_back
                request = frame.f_locals["request"] if frame else {"id": "x"}
                content = dict(value=True, error="", message="", trace="", fault="")
                for pipe in pipes:
                    for line in (content | {"id": request["id"]}, {"id": request["id"]}):
                        try:
                            pipe.write(json.dumps(line).encode() + b"\\n")
                            pipe.flush()
                        except (OSError, ValueError):
                            pass
                super().__init__(*arguments, **options)
        Variable = Wide
    """,
    "sends a signal to its group": """
        import os, signal
        os.killpg(0, signal.SIGKILL)
    """,
}
