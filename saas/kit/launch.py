"""Starts a program that cannot outlive us, and that does not run as root if it refuses to.

This file is also the program in between: `start` runs it with a bare interpreter, it arranges things for itself
(death signal, user namespace, other user) and then becomes the wanted program. A `preexec_fn` could do the same,
but is not safe in a process with threads. That is why the top of this file imports next to nothing.
"""

import os
import signal
import sys

NOBODY = 65534
_NEW_USER_NAMESPACE = 0x10000000
_SET_DEATH_SIGNAL = 1


def start(command, *, stop=signal.SIGTERM, identity="self", **options):
    """This function will start `command` in a session of its own and return its Popen.

    `stop` is what the kernel sends it when we die (Linux). `identity` is who it runs as: "self"; "namespace", a
    user namespace in which root is nobody; "nobody", really that user. Call it from a thread that lives as long as
    the program should: the kernel watches the thread, not the process.
    """
    import subprocess

    options.setdefault("stdin", subprocess.DEVNULL)
    return subprocess.Popen(wrap(command, stop=stop, identity=identity), start_new_session=True, **options)


def run(command, *, identity="self", **options):
    """This function will run `command` to its end as `identity` and return the CompletedProcess."""
    import subprocess

    options.setdefault("stdin", subprocess.DEVNULL)
    return subprocess.run(wrap(command, stop=signal.SIGKILL, identity=identity), check=False, **options)


def wrap(command, *, stop, identity):
    """This function will return the command line that becomes `command`."""
    here = [sys.executable, "-I", "-S", os.path.abspath(__file__)]
    return [*here, str(os.getpid()), str(int(stop)), identity, *map(str, command)]


def best_identity(program):
    """This function will say how `program`, which refuses to run as root, can be run by us."""
    if os.geteuid() != 0:
        return "self"
    tried = run([program, "--version"], identity="namespace", capture_output=True)
    return "namespace" if tried.returncode == 0 else "nobody"


def die_with_parent(parent, stop):
    """This function will have the kernel send us `stop` when `parent` dies, and leave at once if it is dead already."""
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(_SET_DEATH_SIGNAL, int(stop), 0, 0, 0)
        if os.getppid() != parent:
            sys.exit("The process that wanted this program is gone already.")


def interrupted(pid):
    """This function will tell whether `pid`, a make, was sent SIGINT by itself, not with us as the terminal does.

    Make then takes its handler away and waits for us, who have heard of nothing; the missing handler is the only sign.
    """
    try:
        with open(f"/proc/{pid}/status") as file:
            fields = dict(line.split(":", 1) for line in file)
    except OSError:
        return False
    handled = int(fields["SigCgt"], 16) | int(fields["SigIgn"], 16)
    return fields["Name"].strip() in ("make", "gmake") and not handled >> (signal.SIGINT - 1) & 1


def main(arguments):
    parent, stop, identity, *command = arguments
    if sys.platform == "linux":
        import ctypes  # noqa: F401 -- before the change of identity: the library's folder may be closed to nobody
    if identity == "namespace":
        _enter_user_namespace()
    elif identity == "nobody":
        os.setgroups([])
        os.setgid(NOBODY)
        os.setuid(NOBODY)
    # After the change of identity, because that clears the death signal.
    die_with_parent(int(parent), int(stop))
    os.execvp(command[0], command)


def _enter_user_namespace():
    import ctypes

    user, group = os.geteuid(), os.getegid()
    library = ctypes.CDLL(None, use_errno=True)
    if library.unshare(_NEW_USER_NAMESPACE) != 0:
        sys.exit(f"No user namespace here: {os.strerror(ctypes.get_errno())}.")
    for name, text in (
        ("setgroups", "deny"),
        ("uid_map", f"{NOBODY} {user} 1"),
        ("gid_map", f"{NOBODY} {group} 1"),
    ):
        with open(f"/proc/self/{name}", "w") as file:
            file.write(text)


if __name__ == "__main__":
    main(sys.argv[1:])
