"""Makes `.venv` from the pinned, hashed requirement files: `python3 -I local/dependencies/bootstrap.py [--dev] [--exact]`.

Standard library only, and written so that an older Python can read it far enough to find a newer one. A stamp inside the
environment says what it was made from; when it still holds there is nothing to do. The stamp is written last: an installation
that was interrupted has none and is made again. It holds the environment's path, because an environment does not survive a move.
"""

import argparse
import compileall
import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
VENV = ROOT / ".venv"
STAMP = VENV / "duban-setup.json"
OLDEST, NEWEST = (3, 11), (3, 13)
SUPPORTED = "Python {}.{} to {}.{}".format(*OLDEST, *NEWEST)


def main():
    """Make or complete the environment; returns the exit code."""
    parser = argparse.ArgumentParser(description="Make .venv from the pinned requirement files.")
    parser.add_argument("--dev", action="store_true", help="with the tools for tests and lint")
    parser.add_argument("--exact", action="store_true", help="this very Python, not any supported one")
    options = parser.parse_args()
    use_a_suitable_python(options.exact)

    try:
        lock = (ROOT / ".setup.lock").open("w")
    except PermissionError:
        # A checkout shared by its owner: fine as long as there is nothing to do.
        if plan(options.dev, options.exact) is not None:
            fail(f"{ROOT} cannot be written: its owner must run `make setup`, or make a checkout of your own")
        return 0
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("another setup of this checkout is running; waiting for it")
            fcntl.flock(lock, fcntl.LOCK_EX)
        install(options.dev, options.exact)
    for folder in ("dags", "local"):
        compileall.compile_dir(str(ROOT / folder), quiet=2, workers=1)
    return 0


def use_a_suitable_python(exact):
    """Go on in a supported Python outside any virtual environment, which may be the very one to be replaced."""
    if sys.prefix != sys.base_prefix:
        base = sys._base_executable
        os.execv(base, [base, "-I", *sys.argv])
    if OLDEST <= sys.version_info[:2] <= NEWEST:
        return
    for minor in () if exact else range(NEWEST[1], OLDEST[1] - 1, -1):
        other = shutil.which(f"python3.{minor}")
        # A version manager's shim may be there without a Python behind it.
        if other and subprocess.run([other, "-c", ""], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode == 0:
            os.execv(other, [other, "-I", *sys.argv])
    fail("{} is needed; this is {}.{}. Name another with `make PYTHON=/path/to/python3.12 …`.".format(SUPPORTED, *sys.version_info[:2]))


def plan(dev, exact):
    """What the environment should be made from; None when it is already."""
    wanted = {
        "path": str(VENV),
        "python": "{}.{}".format(*sys.version_info[:2]),
        "bootstrap": digest("requirements-bootstrap.txt"),
        "runtime": digest("requirements.txt"),
        "dev": digest("requirements-dev.txt") if dev else None,
    }
    found = read_stamp()
    if found and not dev and found["runtime"] == wanted["runtime"]:
        # Everything of the runtime is in the development file as well.
        wanted["dev"] = found["dev"]
    if found and not exact:
        wanted["python"] = found["python"]
    return None if found == wanted else wanted


def install(dev, exact):
    """Bring the environment to what the requirement files say."""
    wanted = plan(dev, exact)
    if wanted is None:
        return

    found = read_stamp()
    started = time.monotonic()
    if not found or any(found[part] != wanted[part] for part in ("path", "python", "bootstrap")):
        make_environment()
    STAMP.unlink(missing_ok=True)
    requirements = "requirements-dev.txt" if wanted["dev"] else "requirements.txt"
    say(
        "installing {} ({} packages), half a minute or more".format(
            requirements, (ROOT / requirements).read_text(encoding="utf-8").count("==")
        )
    )
    run(
        VENV / "bin" / "uv", "pip", "install", "--quiet", "--python", VENV / "bin" / "python", "--require-hashes", "--compile-bytecode",
        "-r", ROOT / requirements, env=uv_environment(),
    )  # fmt: skip
    draft = STAMP.with_suffix(".tmp")
    draft.write_text(json.dumps(wanted, indent=1) + "\n", encoding="utf-8")
    draft.replace(STAMP)
    say(f"ready after {time.monotonic() - started:.0f} s")


def make_environment():
    """An empty environment with the installer in it, replacing whatever lies there."""
    say("making the virtual environment {} with Python {}.{}.{}".format(VENV, *sys.version_info[:3]))
    if VENV.is_symlink() or VENV.is_file():
        VENV.unlink()
    elif VENV.exists():
        shutil.rmtree(VENV)
    # `python -m venv` from outside, so that its complaint (Debian without python3-venv) is the last thing to read.
    run(sys.executable, "-I", "-m", "venv", VENV)
    run(
        VENV / "bin" / "python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--require-hashes", "--no-deps",
        "-r", ROOT / "requirements-bootstrap.txt",
    )  # fmt: skip


def uv_environment():
    """uv reads no pip configuration: hand on the index and the certificates that this machine's pip uses."""
    environment = {name: value for name, value in os.environ.items() if name not in ("VIRTUAL_ENV", "PYTHONHOME", "PYTHONPATH")}
    environment.setdefault("UV_HTTP_TIMEOUT", "120")
    environment["UV_PYTHON_DOWNLOADS"] = "never"
    listing = subprocess.run(
        [str(VENV / "bin" / "python"), "-m", "pip", "config", "list"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ).stdout
    for line in listing.splitlines():
        name, _, value = line.partition("=")
        option, value = name.rsplit(".", 1)[-1], value.strip("'\"")
        if option == "index-url" and "UV_INDEX_URL" not in environment:
            environment.setdefault("UV_DEFAULT_INDEX", value)
        elif option == "cert":
            environment.setdefault("SSL_CERT_FILE", value)
    home = Path(environment.get("HOME") or "/")
    if "UV_CACHE_DIR" not in environment and "XDG_CACHE_HOME" not in environment and not os.access(str(home), os.W_OK):
        environment["UV_NO_CACHE"] = "1"
    return environment


def read_stamp():
    """What the environment was made from, or None if it was never completed or no longer starts."""
    if not (VENV / "bin" / "python").exists():
        return None
    try:
        return json.loads(STAMP.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None


def digest(name):
    return hashlib.sha256((ROOT / name).read_bytes()).hexdigest()


def run(*command, env=None):
    code = subprocess.run([str(part) for part in command], env=env, stdin=subprocess.DEVNULL).returncode
    if code:
        fail(f"setup stopped: `{Path(command[0]).name}` ended with exit code {code}; run the same command again to start over")


def say(text):
    sys.stderr.write(f"setup: {text}\n")
    sys.stderr.flush()


def fail(text):
    say(text)
    raise SystemExit(1)


if __name__ == "__main__":
    raise SystemExit(main())
