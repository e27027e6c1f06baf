"""A style sheet inside a page, and the policy under which it, and nothing else, takes effect."""

import base64
import hashlib

from markupsafe import Markup


def inline_style(style: str) -> dict[str, Markup]:
    """What a template puts into its head: ``style``, and ``policy``, the Content-Security-Policy that allows this style sheet alone."""
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    # The style sheet is ours; escaping would change its bytes and with them the hash.
    return {"style": Markup(style), "policy": Markup(policy)}
