"""Serves the live ranking to this machine: `python -m local.embedded.site FOLDER PORT`. The pages also work straight from the folder."""

from __future__ import annotations

import argparse
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

HOST = "127.0.0.1"


class SiteHandler(SimpleHTTPRequestHandler):
    """Files of one folder, always fresh, without listings. What begins with a dot, or is a link, is not there."""

    server_version = "duban"
    sys_version = ""

    def end_headers(self) -> None:
        """Add what every answer carries."""
        self.send_header("Cache-Control", "no-cache")
        self.send_header("X-Content-Type-Options", "nosniff")
        super().end_headers()

    def send_head(self):
        """Answer with what lies in the folder itself."""
        name = Path(self.translate_path(self.path)).relative_to(self.directory)
        place = Path(self.directory).resolve() / name
        # of a link the real place is another
        real = [path.resolve() == path for path in (place, place / "index.html")]
        if not all(real) or any(part.startswith(".") for part in name.parts):
            return self.send_error(404)
        return super().send_head()

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
