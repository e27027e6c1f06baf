"""Serves the live ranking to this machine: `python -m local.site FOLDER PORT`. The pages also work straight from the folder."""

from __future__ import annotations

import argparse
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

HOST = "127.0.0.1"


class SiteHandler(SimpleHTTPRequestHandler):
    """Files of one folder, always fresh, without listings."""

    server_version = "duban"
    sys_version = ""

    def end_headers(self) -> None:
        """Add what every answer carries."""
        self.send_header("Cache-Control", "no-cache")
        self.send_header("X-Content-Type-Options", "nosniff")
        super().end_headers()

    def list_directory(self, path) -> None:
        """There is a page or there is none."""
        self.send_error(404, explain="No page has been published yet.")

    def log_request(self, code="-", size="-") -> None:
        """Only errors are worth a line; those come through `log_error`."""


def main() -> None:
    """Serve until ended."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder")
    parser.add_argument("port", type=int)
    options = parser.parse_args()
    with ThreadingHTTPServer((HOST, options.port), partial(SiteHandler, directory=options.folder)) as server:
        server.serve_forever()


if __name__ == "__main__":
    main()
