"""Pictures of a running copy for the README: `python tools/screenshots.py [address] [--only name]`.

Signs in with the demo logins that `make up` prints and saves docs/screens/<page>-<theme>-<width>.png.
"""

import argparse
import os
import shutil
import sys
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

OUT = Path(__file__).resolve().parent.parent / "docs" / "screens"
NESTED = "table.data a:has-text('一周没来的高价值会员')"  # the demo's segment with conditions inside conditions
# page name: who looks at it, the address inside the pool and links to follow from it (a » b), what to wait for
PAGES: dict[str, tuple[str, str, str]] = {
    "overview": ("analyst", "/", "chart-view canvas"),
    "dashboard": ("analyst", "/dashboard/", "chart-view canvas"),
    "members": ("operator", "/members/", "table.data tbody tr"),
    "member": ("operator", "/members/ table.data a.person", "main"),
    "import": ("operator", "/imports/", "main"),
    "segments": ("marketer", "/segments/", "main"),
    "segment": ("marketer", f"/segments/ {NESTED}", "chart-view canvas"),
    "history": ("marketer", f"/segments/ {NESTED} » a[href$='/history/']", "chart-view canvas"),
    "builder": ("marketer", f"/segments/ {NESTED} » a[href$='/edit/']", ".group .group .rule .left"),
    "portrait": ("marketer", f"/segments/ {NESTED} » a[href$='/portrait/']", "chart-view canvas"),
    "rfm": ("analyst", "/segments/models/", "chart-view canvas"),
    "lifecycle": ("analyst", "/segments/models/lifecycle/", "chart-view canvas"),
    "schemes": ("analyst", "/segments/standings/", ".scheme"),
    "scheme": ("analyst", "/segments/standings/ .scheme a:text-is('价值层')", "chart-view canvas"),
    "predictions": ("analyst", "/segments/predictions/", "table.data tbody tr"),
    "model": ("analyst", "/segments/predictions/churn/", "chart-view canvas"),
    "tags": ("marketer", "/tags/", "main"),
    "results": ("analyst", "/campaigns/ table.data td a » .views a[href$='/results/']", "chart-view canvas"),
    "campaigns": ("marketer", "/campaigns/", "main"),
    "campaign": ("marketer", "/campaigns/ table.data td a", "main"),
    "inbox": ("marketer", "/inbox/", "main"),
    "points": ("marketer", "/points/", "main"),
    "connectors": ("admin", "/connectors/", "main"),
    "team": ("admin", "/settings/team/", "main"),
}
WIDTHS = {1440: 900, 390: 844}
TALLEST = 1500  # of a wide picture: what is further down is not what a README shows


def main() -> int:
    options = _options()
    executable = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    if not executable:
        print("no Chromium on this machine")
        return 1
    OUT.mkdir(parents=True, exist_ok=True)
    wanted = {name: PAGES[name] for name in (options.only or PAGES) if name in PAGES}
    with sync_playwright() as driver:
        args = ["--disable-gpu", "--font-render-hinting=none"] + (["--no-sandbox"] if os.geteuid() == 0 else [])
        browser = driver.chromium.launch(executable_path=executable, args=args)
        failed = [name for theme in options.themes for name in _round(browser, options, theme, wanted)]
        browser.close()
    print(f"missing: {', '.join(sorted(set(failed)))}" if failed else f"all in {OUT}")
    return 1 if failed else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("address", nargs="?", default=f"http://127.0.0.1:{os.environ.get('PORT', '8000')}")
    parser.add_argument("--pool", default="demo")
    parser.add_argument("--only", nargs="*")
    parser.add_argument("--themes", nargs="*", default=["light", "dark"])
    parser.add_argument("--lang", default="zh-CN")
    return parser.parse_args()


def _round(browser: Browser, options: argparse.Namespace, theme: str, wanted: dict[str, tuple[str, str, str]]) -> list[str]:
    """Every page in one theme; the names of those that did not come."""
    failed: list[str] = []
    for role in sorted({role for role, _address, _mark in wanted.values()}):
        context = browser.new_context(viewport={"width": 1440, "height": 900}, color_scheme=theme, locale=options.lang)
        page = context.new_page()
        page.set_default_timeout(90_000)  # the first portrait of a pool is worked out while one waits
        _sign_in(page, options, role, theme)
        for name, (who, address, mark) in wanted.items():
            if who == role and not _shoot(page, options, name, address, mark, theme):
                failed.append(name)
        context.close()
    return failed


def _sign_in(page: Page, options: argparse.Namespace, role: str, theme: str) -> None:
    page.goto(f"{options.address}/login/", wait_until="networkidle")
    if role == "admin":
        page.screenshot(path=str(OUT / f"login-{theme}-1440.png"))
    page.locator("#id_username").fill(role)
    page.locator("#id_password").fill(f"demo-{role}")
    page.locator("#sign-in .btn-primary").click()
    page.wait_for_url(f"**/p/{options.pool}/**")


def _shoot(page: Page, options: argparse.Namespace, name: str, address: str, mark: str, theme: str) -> bool:
    path, _, link = address.partition(" ")
    page.set_viewport_size({"width": 1440, "height": 900})
    answer = page.goto(f"{options.address}/p/{options.pool}{path}", wait_until="networkidle")
    if answer is None or not answer.ok:
        return False
    for step in filter(None, link.split(" » ")):
        if not page.locator(step).count():
            return False
        page.locator(step).first.click()
        page.wait_for_load_state("networkidle")
    page.locator(mark).first.wait_for()
    for width, height in WIDTHS.items():
        page.set_viewport_size({"width": width, "height": height})
        page.wait_for_timeout(900)
        if width != 390:
            whole = int(page.evaluate("document.documentElement.scrollHeight"))
            page.set_viewport_size({"width": width, "height": min(max(whole, height), TALLEST)})
            page.wait_for_timeout(400)
        page.screenshot(path=str(OUT / f"{name}-{theme}-{width}.png"))
    return True


if __name__ == "__main__":
    sys.exit(main())
