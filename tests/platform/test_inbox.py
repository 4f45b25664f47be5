"""The catch-all mail server, spoken to over real SMTP."""

import asyncio
import smtplib
import threading
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path

import pytest

from scrm import inbox


@pytest.fixture
def server(tmp_path: Path) -> Iterator[tuple[Path, int]]:
    """A running inbox: its directory and port."""
    home, ready, port = tmp_path / "inbox", threading.Event(), [0]
    loop, stop = asyncio.new_event_loop(), asyncio.Event()

    def told(number: int) -> None:
        port[0] = number
        ready.set()

    thread = threading.Thread(target=lambda: loop.run_until_complete(inbox.serve(home, "127.0.0.1", 0, stop, told)))
    thread.start()
    assert ready.wait(60)
    yield home, port[0]
    loop.call_soon_threadsafe(stop.set)
    thread.join(60)
    loop.close()


def mail(subject: str = "您好，会员", to: str = "a@example.com") -> EmailMessage:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "品牌 <shop@example.com>", to, subject
    message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    message.set_content("正文\n.\n点开头的行")
    message.add_alternative("<p>正文 <b>加粗</b></p>", subtype="html")
    return message


def test_what_is_sent_can_be_read(server: tuple[Path, int]) -> None:
    home, port = server
    with smtplib.SMTP("127.0.0.1", port) as smtp:
        smtp.send_message(mail())
    (kept,) = inbox.messages(home=home)
    assert (kept.subject, kept.to, kept.sender) == ("您好，会员", "a@example.com", "品牌 <shop@example.com>")
    assert kept.text == "正文\n.\n点开头的行\n"
    assert "<b>加粗</b>" in kept.html
    assert ("List-Unsubscribe-Post", "List-Unsubscribe=One-Click") in kept.headers
    assert inbox.message(kept.id, home=home) == kept


def test_the_real_recipient_counts_not_the_header(server: tuple[Path, int]) -> None:
    home, port = server
    with smtplib.SMTP("127.0.0.1", port) as smtp:
        smtp.send_message(mail(to="friendly@example.com"), to_addrs=["real@example.com"])
    assert inbox.messages(home=home)[0].to == "real@example.com"


def test_newest_first_in_pages_and_by_recipient(server: tuple[Path, int]) -> None:
    home, port = server
    with smtplib.SMTP("127.0.0.1", port) as smtp:
        for n in range(5):
            smtp.send_message(mail(f"第 {n} 封", to=f"m{n % 2}@example.com"))
    first = inbox.messages(2, home=home)
    assert [kept.subject for kept in first] == ["第 4 封", "第 3 封"]
    assert [kept.subject for kept in inbox.messages(2, before=first[-1].id, home=home)] == ["第 2 封", "第 1 封"]
    assert [kept.subject for kept in inbox.messages(to="M1@", home=home)] == ["第 3 封", "第 1 封"]
    assert inbox.count(home=home) == 5
    assert inbox.clear(home=home) == 5
    assert inbox.messages(home=home) == []


@pytest.mark.parametrize("name", ["../secret", "1", "draft/x", "1234567890123456789-abcdef01/../x", ""])
def test_an_id_is_no_path(name: str, tmp_path: Path) -> None:
    (tmp_path / "secret.eml").write_text("x")
    assert inbox.message(name, home=tmp_path / "inbox") is None


def test_unreadable_letters_do_not_break_the_page(server: tuple[Path, int]) -> None:
    home, port = server
    raw = b"Subject: \xff\xfe\r\nContent-Type: text/plain; charset=no-such\r\n\r\n\xe4\xb8\xad\xff\r\n"
    with smtplib.SMTP("127.0.0.1", port) as smtp:
        smtp.sendmail("a@example.com", ["b@example.com"], raw)
    (kept,) = inbox.messages(home=home)
    assert kept.text.startswith("中")
    kept.subject.encode()


def test_half_written_files_are_not_seen(tmp_path: Path) -> None:
    inbox.Keeper(tmp_path)
    (tmp_path / "draft" / "1234567890123456789-abcdef01").write_text("Subject: half")
    assert inbox.messages(home=tmp_path) == []


def test_the_oldest_are_forgotten(tmp_path: Path) -> None:
    keeper = inbox.Keeper(tmp_path)
    for n in range(5):
        (tmp_path / f"{n:019d}-abcdef01.eml").write_text(f"Subject: {n}\n\n")
    keeper.prune(keep=2)
    assert [kept.subject for kept in inbox.messages(home=tmp_path)] == ["4", "3"]
