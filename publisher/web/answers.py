"""Answers that are made when asked: what every one of them carries, and how an error is said."""

from __future__ import annotations

from starlette.responses import Response

Headers = list[tuple[bytes, bytes]]

NO_STORE = (b"cache-control", b"no-store")
_CSP = "default-src 'none'; {styles}; {images}; {media}; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
_HSTS_S = 365 * 86_400


def content_security_policy(*, remote_images: bool = False, inline_styles: bool = False) -> str:
    """Nothing but our own style sheet, images and forms. `inline_styles`: for a mail shown as it was sent."""
    source = "'self' data: https: http:" if remote_images else "'self' data:"
    return _CSP.format(
        styles="style-src 'self' 'unsafe-inline'" if inline_styles else "style-src 'self'",
        images=f"img-src {source}",
        media=f"media-src {source}",
    )


def security_headers(site_url: str, *, remote_images: bool = False) -> Headers:
    """What everything we serve carries, whatever its status."""
    headers = {
        "content-security-policy": content_security_policy(remote_images=remote_images),
        "x-content-type-options": "nosniff",
        "referrer-policy": "same-origin",
        "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=(), browsing-topics=()",
        "cross-origin-opener-policy": "same-origin",
    }
    if site_url.startswith("https:"):
        headers["strict-transport-security"] = f"max-age={_HSTS_S}"
    return [(name.encode(), value.encode()) for name, value in headers.items()]


def page(
    html: bytes | str, status: int = 200, *, mail: bool = False, remote_images: bool = False
) -> Response:
    """A page made for one visitor: never kept by any cache. `mail`: one that brings its own styles.

    The security headers are added to it on its way out.
    """
    headers = {"cache-control": "no-store"}
    if mail:
        policy = content_security_policy(remote_images=remote_images, inline_styles=True)
        headers["content-security-policy"] = policy
    return Response(html, status, headers, media_type="text/html")


def line(text: str, status: int) -> Response:
    """One line of plain text: for programs, and for errors that no page is made for."""
    return Response(text + "\n", status, {"cache-control": "no-store"}, media_type="text/plain")
