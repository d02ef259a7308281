"""Check the pinned dependencies for known vulnerabilities with pip-audit; `make check` runs it.

Without the database of the Python Package Index, one line says that the check was skipped.
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

_PINS = Path(__file__).parents[1] / "constraints.txt"
_COMMAND = ["-m", "pip_audit", "--no-deps", "--disable-pip", "--progress-spinner", "off", "--format", "json"]


def main() -> int:
    """Print what is vulnerable, and return the exit code."""
    ended = subprocess.run(
        [sys.executable, *_COMMAND, "--requirement", str(_PINS)], capture_output=True, encoding="utf-8", check=False
    )
    found = json.loads(ended.stdout)["dependencies"] if ended.stdout else []
    # A mirror without the database says of each dependency that it has none such.
    audited = [one for one in found if "skip_reason" not in one]
    if not audited:
        reason = "no answer for any dependency" if found else ended.stderr.strip().splitlines()[-1]
        sys.stderr.write(f"pip-audit: skipped, the database of vulnerabilities cannot be reached ({reason:.200})\n")
        return 0
    faults = list_faults(audited)
    sys.stderr.writelines(f"{fault}\n" for fault in faults)
    return int(bool(faults))


def list_faults(audited: list[dict[str, Any]]) -> list[str]:
    """Return a line for each vulnerability of dependencies as pip-audit describes them."""
    return [
        f"{one['name']} {one['version']}: {fault['id']}, fixed in {', '.join(fault['fix_versions']) or 'no version'}"
        for one in audited
        for fault in one["vulns"]
    ]


if __name__ == "__main__":
    sys.exit(main())
