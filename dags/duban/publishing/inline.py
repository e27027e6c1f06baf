"""What stands inside a page that fetches nothing, and the policy under which it, and nothing else, takes effect."""

import base64
import hashlib

from markupsafe import Markup


def inline(style: str, script: str | None = None) -> dict[str, Markup]:
    """What a template puts into its page: ``style``, ``script`` if there is one, and ``policy``, the Content-Security-Policy for both."""
    scripts = "" if script is None else f"script-src '{_digest(script)}'; "
    policy = f"default-src 'none'; style-src '{_digest(style)}'; {scripts}base-uri 'none'; form-action 'none'"
    # Both are ours; escaping would change their bytes and with them the hash.
    return {"style": Markup(style), "policy": Markup(policy), **({} if script is None else {"script": Markup(script)})}


def _digest(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
