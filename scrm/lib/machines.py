"""Programs that look at pages and mails before, or instead of, a person."""

import re

from django.http import HttpRequest

MACHINES = re.compile(
    r"bot\b|crawl|spider|slurp|scan|preview|barracuda|proofpoint|mimecast|safelinks|symantec|trend ?micro|fortimail|cloudmark|"
    r"headless|python|curl|wget|java/|go-http|okhttp|libwww|httpclient|facebookexternalhit|whatsapp|telegrambot",
    re.IGNORECASE,
)


def is_machine(request: HttpRequest) -> bool:
    """Whether nobody looked: HEAD requests, prefetching browsers, link scanners."""
    agent = request.headers.get("User-Agent", "")
    ahead = request.headers.get("Sec-Purpose", "") + request.headers.get("Purpose", "") + request.headers.get("X-Moz", "")
    return request.method == "HEAD" or not agent or "prefetch" in ahead or bool(MACHINES.search(agent))
