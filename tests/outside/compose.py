"""Reads a Compose file as Compose does, and prints the project as JSON.

usage: compose.py FILE [PROFILE…]

podman-compose resolves variables, merges and profiles; it wants a Podman to be there,
but asks it only for its version.
"""

import json
import os
import pathlib
import subprocess
import sys
import tempfile

import yaml


def main(file, *profiles):
    with tempfile.TemporaryDirectory() as folder:
        podman = pathlib.Path(folder, "podman")
        podman.write_text("#!/bin/sh\necho podman version 5.0.0\n")
        podman.chmod(0o755)
        # Without a person's own .env.
        settings = pathlib.Path(folder, "settings")
        settings.write_text("")
        command = [sys.executable, "-m", "podman_compose", "--podman-path", podman, "--env-file", settings, "-f", file]
        for profile in profiles:
            command += ["--profile", profile]
        result = subprocess.run([*command, "config"], capture_output=True, text=True, env=os.environ)
    sys.stderr.write(result.stderr)
    if result.returncode:
        sys.exit(result.returncode)
    print(json.dumps(yaml.safe_load(result.stdout)))


if __name__ == "__main__":
    main(*sys.argv[1:])
