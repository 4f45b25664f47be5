"""Why something about a store is refused: a code and a sentence each."""

from typing import Any

from django.utils.translation import gettext_lazy as _

from scrm.lib.problems import Problem

SENTENCES: dict[str, Any] = {
    "no_code": _("请填写门店编码：订单里用的就是它"),
    "no_name": _("请填写门店名称"),
    "code_taken": _("编码「%(number)s」已是门店「%(name)s」"),
    "code_fixed": _("订单已用编码「%(number)s」，不能改；请另建门店"),
    "closed_before_opened": _("闭店日期早于开业日期"),
    "closed_already": _("门店已闭店"),
    "staff_left": _("还有 %(n)s 位在职员工属于这家门店，请先调到别的门店"),
    "bad_day": _("第 %(line)s 行的「%(column)s」不是日期，请写成 2026-01-31"),
    "no_such_manager": _("第 %(line)s 行：没有登录名为「%(name)s」的员工"),
    "missing_columns": _("文件缺少列：%(names)s"),
    "twice": _("第 %(line)s 行：编码「%(number)s」在文件里出现了两次"),
    "line_empty": _("第 %(line)s 行缺少门店编码"),
    "too_many": _("一次最多导入 %(limit)s 家门店，请拆分文件"),
    "not_here": _("这个会员池里没有这家门店"),
}


def problem(code: str, field: str = "", **said: Any) -> Problem:
    """The refusal with this code; `field` names the input to be mended."""
    sentence = str(SENTENCES[code]) % said
    return Problem(f"store.{code}", sentence, {field: [sentence]} if field else {})
