"""`python -m tests.hub_server` serves the test Hub for an hour, to try a push by hand."""

import threading

from tests.hub_server.server import HubServer

_SECONDS = 3600


def main() -> None:
    """Serve, and print the environment for a shell."""
    with HubServer() as server:
        for name, value in server.build_environment().items():
            print(f"export {name}={value}", flush=True)  # noqa: T201 # the shell reads it
        threading.Event().wait(_SECONDS)


if __name__ == "__main__":
    main()
