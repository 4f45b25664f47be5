"""Why something about a group is refused: a code and a sentence each."""

from typing import Any

from django.utils.translation import gettext_lazy as _

from scrm.lib.problems import Problem

SENTENCES: dict[str, Any] = {
    "external_id_taken": _("已有群 ID 为「%(id)s」的社群「%(name)s」"),
    "no_name": _("请填写群名称"),
    "no_external_id": _("请填写群 ID（平台给的群编号），后续导入和接口都按它对应"),
    "too_small": _("人数上限至少是 3"),
    "future": _("时间在未来，请检查设备时钟或时区"),
    "before_created": _("解散时间早于建群时间"),
    "dissolved": _("社群已解散"),
    "too_many": _("一次最多 %(limit)s 条"),
    "unknown_member": _("这个会员池里没有这位会员"),
    "unknown_identity": _("不认识的身份类型，可用：%(kinds)s"),
    "unknown_kind": _("不认识的动态类型，可用：join、leave、message"),
    "empty": _("身份标识是空的"),
    "bad_phone": _("手机号只能有 5–15 位数字"),
    "bad_email": _("邮箱地址格式不对"),
    "too_long": _("身份标识最长 120 个字符"),
    "guarded": _("这个身份标识被多人共用，不能用来认人"),
    "bad_time": _("时间看不懂，请写成 2026-01-31 18:00:00"),
    "bad_day": _("日期看不懂，请写成 2026-01-31"),
    "bad_number": _("「%(column)s」要填不小于 0 的整数"),
    "unknown_community": _("没有群 ID 为「%(id)s」的社群，请先导入或新建社群"),
    "unknown_channel": _("没有编码为「%(number)s」的渠道"),
    "unknown_staff": _("没有登录名或企业微信账号为「%(name)s」的员工"),
    "unknown_store": _("没有编码为「%(number)s」的门店"),
    "no_identity": _("这一行没有任何身份标识：需要企微外部联系人 ID、手机号、UnionID 或会员卡号之一"),
    "missing_columns": _("文件缺少列：%(names)s"),
    "too_big": _("文件超过 %(limit)s 行，请拆分后再传"),
    "senders_above_messages": _("发言人数不能多于消息数"),
    "bad_threshold": _("「%(name)s」要在 %(low)s 到 %(high)s 之间"),
}


def sentence(code: str, **said: Any) -> str:
    """A code in words; placeholders nobody filled are left as they are."""
    text = str(SENTENCES.get(code, code))
    try:
        return text % said
    except KeyError:
        return text


def problem(code: str, field: str = "", **said: Any) -> Problem:
    """The refusal with this code; `field` names the input to be mended."""
    text = sentence(code, **said)
    return Problem(f"community.{code}", text, {field: [text]} if field else {})
