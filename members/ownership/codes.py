"""Why members cannot be given to somebody: a code and a sentence each."""

from typing import Any

from django.utils.translation import gettext_lazy as _

from scrm.lib.problems import Problem

SENTENCES: dict[str, Any] = {
    "not_here": _("「%(name)s」不是这个会员池的员工，请先在「员工」页添加"),
    "left": _("「%(name)s」已离职，不能再接收会员"),
    "no_receiver": _("请选择至少一位接收员工"),
    "to_self": _("不能移交给本人，请选择别的员工"),
    "no_reason": _("请填写原因，移交记录和会员动态里都会显示"),
    "nobody": _("没有符合条件的会员，没有可移交的"),
    "still_here": _("「%(name)s」还在职，请用在职继承；离职继承前请先在「员工」页登记离职"),
    "running": _("移交正在进行，完成或取消后才能撤销"),
    "undone": _("这次移交已经撤销过"),
    "nothing_moved": _("这次移交没有移动任何会员，无需撤销"),
    "bad_filter": _("筛选条件有误：%(why)s"),
}


def problem(code: str, field: str = "", **said: Any) -> Problem:
    """The refusal with this code; `field` names the input to be mended."""
    sentence = str(SENTENCES[code]) % said
    return Problem(f"owner.{code}", sentence, {field: [sentence]} if field else {})
