"""Why a row or a file is refused: a code, and its sentence in the reader's language."""

from typing import Any

from django.utils.translation import gettext_lazy as _

from scrm.lib.problems import Problem

ROW: dict[str, Any] = {
    "missing_value": _("必填的一列是空的"),
    "missing_identity": _("没有任何身份标识，不知道是谁"),
    "placeholder_identity": _("身份标识只是占位（如 11111111111、noreply@），不知道是谁"),
    "erased_person": _("此人的个人数据已按要求抹除；如本人重新加入，请先在「隐私与安全」解除阻止"),
    "shared_identity": _("身份标识被多人共用或在黑名单里，又没有别的标识，不知道是谁"),
    "bad_date": _("不是日期：请写成 2026-11-01 或 2026-11-01 12:30:00"),
    "future_date": _("日期在未来"),
    "ancient_date": _("日期早于 1900 年，像是填错了"),
    "bad_amount": _("不是金额"),
    "negative_amount": _("金额是负数"),
    "absurd_amount": _("金额大得不合理（超过 1000 万元）"),
    "refund_too_large": _("退款金额大于实付金额"),
    "bad_number": _("不是 0 到 10000 的整数"),
    "lost_digits": _("表格软件把长数字改成了科学计数法，末几位已经丢失：请把这一列设为文本后重新导出"),
    "masked_identity": _("身份标识被平台打了星号或换成了隐私号，认不出是谁：请换用会员卡号、openid 等标识"),
    "totals_row": _("这一行像是合计行，没有当作数据"),
    "bad_phone": _("不是手机号：请检查位数，Excel 里请设为文本格式"),
    "bad_email": _("不是邮箱地址"),
    "not_a_number": _("不是数字"),
    "number_out_of_range": _("数字太大或太长：最多 15 位有效数字"),
    "not_a_text": _("应该是文字"),
    "unknown_choice": _("不是这个字段的选项：请先在「自定义字段」里添加"),
    "not_yes_or_no": _("不是「是」或「否」"),
    "unknown_value": _("不认识的取值：请在映射页为它指定含义"),
    "unknown_channel": _("不认识的渠道"),
    "unknown_staff": _("没有这位在职员工：请写登录名、姓名或企业微信账号，先在「员工」页登记，或选择「导入该行，不改归属」"),
    "unknown_store": _("没有这家门店：请写门店编码或名称，先在「门店」页登记，或选择自动建立"),
    "too_long": _("内容太长"),
    "too_few_columns": _("这一行的列数少于表头"),
    "too_many_columns": _("这一行的列数多于表头：也许有没加引号的分隔符"),
    "duplicate_in_file": _("同一编号在文件里出现过，内容却不同；以先出现的一行为准"),
    "other_member": _("这张订单已属于另一位会员"),
    "unknown_order": _("系统里没有这张订单：请先导入订单"),
    "unknown_product": _("系统里没有这个商品：请先导入商品，或选择自动建立"),
}

FILE: dict[str, Any] = {
    "empty_file": _("文件是空的"),
    "header_only": _("文件只有表头，没有数据"),
    "no_header": _("第一行不是表头：至少要有两列，或每列都有名称"),
    "too_large": _("文件超过 %(limit)s MB 的上限；请拆分后再上传"),
    "wrong_type": _("文件内容与扩展名不符：看起来是%(found)s"),
    "unknown_type": _("不支持这种文件；请上传 CSV、TXT、XLSX 或 Parquet"),
    "old_excel": _("这是旧版 Excel（.xls）或加密的表格；请另存为未加密的 .xlsx 或 CSV"),
    "wrong_encoding": _("按 %(encoding)s 读取时在第 %(line)s 行附近失败；请选择正确的编码（UTF-8 或 GB18030）"),
    "zip_bomb": _("压缩文件展开后过大，已拒绝；请另存为 CSV"),
    "broken_file": _("文件已损坏或不完整：%(detail)s"),
    "nested_columns": _("Parquet 的列「%(column)s」是嵌套类型，无法导入"),
    "too_many_file_columns": _("文件有 %(count)s 列，最多 %(limit)s 列"),
    "unclosed_quote": _("第 %(line)s 行附近有没闭合的引号，或有一行超过 %(limit)s MB"),
    "missing_columns": _("还需要指定：%(columns)s"),
    "columns_changed": _("映射里的列「%(column)s」在文件里找不到"),
    "column_used_twice": _("列「%(column)s」被用了两次"),
    "nameless": _("请给方案起个名字"),
    "name_taken": _("已有叫「%(name)s」的方案"),
    "unknown_fields": _("没有这些字段：%(fields)s"),
    "no_such_preset": _("没有这个预设：%(key)s"),
    "no_such_mapping": _("没有叫「%(name)s」的方案"),
    "kind_or_preset": _("请说明文件内容（kind），或指定预设、导入方案"),
    "needs_channel": _("请为订单选择渠道，或映射渠道列：订单号只在一个渠道内唯一"),
    "file_gone": _("上传的文件已被清理；请重新上传"),
    "running": _("这次导入正在进行"),
    "busy": _("这个会员池正在导入，请稍后再试"),
    "overtaken": _("文件里的身份标识不断被别处登记；请稍后重试"),
    "too_many_items": _("一次最多 %(limit)s 条"),
}


def sentence(code: str) -> str:
    """What a row's code means."""
    return str(ROW.get(code, code))


def problem(code: str, **names: Any) -> Problem:
    """A refusal of the whole file."""
    return Problem(code, str(FILE[code]) % names)
