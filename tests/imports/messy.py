"""Hand-made exports as platforms and people leave them: one per preset, with what must come of it.

Guards against spreadsheets, tabs after numbers, full-width digits, titles above and sums below, line breaks in cells,
delimiters at the end of rows, masked people, words of every kind.
"""
# ruff: noqa: E501 – rows are as long as their platforms make them

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Messy:
    """A file, the preset it is read by, and what comes of it."""

    preset: str
    text: str
    encoding: str = "utf-8"
    name: str = "export.csv"
    new: int = 0
    skipped: int = 0
    refused: dict[int, str] = field(default_factory=dict)  # line → code
    found: bool = True  # recognised by its headings alone, without its channel being chosen


FILES = [
    Messy(
        "tmall.orders",
        "订单编号,买家会员名,买家支付宝账号,买家应付货款,买家应付邮费,买家支付积分,总金额,返点积分,买家实际支付金额,买家实际支付积分,订单状态,"
        "买家留言,收货人姓名,收货地址 ,运送方式,联系电话 ,联系手机,订单创建时间,订单付款时间 ,宝贝标题 ,退款金额\n"
        '="2613000000000000001"\t,明月几时有,a@b.cn,"1,200.00",0.00,0,"1,200.00",0,"1,200.00",0,交易成功,,张三,"上海市\n""徐汇区""",快递,null,'
        "１３８００００００１１,2026-10-01 10:00:00,2026-10-01 10:01:00,连衣裙,0.00\n"
        "'2613000000000000002\t,李四爱购物,,80.00,8.00,0,88.00,0,88.00,0,\"买家已付款，等待卖家发货\",,李四,北京,快递,,'13800000012,"
        "2026/10/2 9:05:00,,裤子,\n"
        '="2613000000000000003",王*五,,50,0,0,50,0,50,0,交易成功,,王五,广州,快递,,138****0013,2026-10-02 09:05:00,,帽子,\n'
        '="2613000000000000004",赵六,,60,0,0,60,0,60,0,付款以后用户退款成功，交易自动关闭,,赵六,深圳,快递,,13800000014,2026-10-03 09:05:00,,袜子,60.00\n'
        '="2613000000000000005",钱七,,60,0,0,60,0,60,0,神秘状态,,钱七,深圳,快递,,13800000015,2026-10-03 09:05:00,,袜子,\n'
        "2.613E+18,孙八,,60,0,0,60,0,60,0,交易成功,,孙八,深圳,快递,,13800000016,2026-10-03 09:05:00,,袜子,\n"
        "合计,,,1450,8,0,1458,0,1458,0,,,,,,,,,,,60\n",
        encoding="gb18030",
        name="ExportOrderList.csv",
        new=3,
        refused={4: "masked_identity", 6: "unknown_value", 7: "lost_digits", 8: "totals_row"},
    ),
    Messy(
        "tmall.lines",
        "子订单编号,主订单编号,标题,价格,购买数量,外部系统编号,商品属性,套餐信息,备注,订单状态,商家编码,支付单号,买家应付货款,买家实际支付金额,退款状态,退款金额\n"
        '="1","KNOWN",连衣裙 红,600.00,２,ERP1,颜色:红,,"null\n",交易成功,="00123",,1200.00,"1,200.00",没有申请退款,无退款申请\n'
        '="2",\'KNOWN,裤子,80,1,ERP2,,,,交易成功,K-1,,80.00,75.5,没有申请退款,\n'
        '="3",NOBODY,帽子,50,1,ERP3,,,,交易成功,M-1,,50,50,,\n'
        '="4",KNOWN,袜子,10,1,ERP4,,,,交易成功,,,10,10,,\n',
        encoding="gb18030",
        name="ExportOrderDetailList.csv",
        new=2,
        refused={4: "unknown_order", 5: "missing_value"},
    ),
    Messy(
        "tmall.refunds",
        "订单编号\t退款编号\t支付宝交易号\t订单付款时间\t商品编码\t退款完结时间\t买家会员名称\t买家实际支付金额\t宝贝标题\t买家退款金额\t手工退款/系统退款\t退款状态\t货物状态\n"
        "KNOWN\t'9001\t\t2026-10-01 10:00:00\t\t2026-10-05 10:00:00\t明月\t100.00\t连衣裙\t30.00\t系统退款\t退款成功\t买家已收到货\n"
        "KNOWN\t9002\t\t2026-10-01 10:00:00\t\t\t明月\t100.00\t连衣裙\t20.00\t系统退款\t退款关闭\t买家已收到货\n"
        "LATER\t9003\t\t2026-10-01 10:00:00\t\t2026/10/6\t李四\t88.00\t裤子\t88.00\t手工退款\t退款成功\t\n"
        "KNOWN\t9004\t\t2026-10-01 10:00:00\t\t2026-10-07\t明月\t100.00\t连衣裙\t三十\t系统退款\t退款成功\t\n",
        encoding="utf-16",
        name="refund.txt",
        new=2,
        skipped=1,
        refused={5: "bad_amount"},
    ),
    Messy(
        "tmall.members",
        "会员昵称;手机号;姓名;性别;生日;省份;城市;入会时间;会员等级;短信订阅\n"
        "明月几时有;+86 138-0000-0021;张三;女;1990/1/2;上海;上海;2025年3月1日;V2;是\n"
        "t**9;138****0022;;男;;;;;V1;否\n"
        "李四爱购物;;李四;保密;;;;2025-03-02 10:00;V1;\n",
        encoding="utf-8-sig",
        new=2,
        refused={3: "masked_identity"},
        found=False,
    ),
    Messy(
        "jd.orders",
        "订单号,商品ID,商品名称,订购数量,支付方式,下单时间,京东价,订单金额,结算金额,余额支付,应付金额,订单状态,订单类型,下单帐号,客户姓名,客户地址,联系电话,订单备注,"
        "运费金额,付款确认时间,订单完成时间,仓库名称,商家SKUID\n"
        '="301000000001",10001,手机壳,1,在线支付,2026-10-01 10:00:00,39.00,78.00,70.00,0,78.00,完成,SOP,jd_abc,张三,"上海, 徐汇",13800000031,,0.00,'
        "2026-10-01 10:01:00,2026-10-03 10:00:00,,K1\n"
        '="301000000001",10002,贴膜,1,在线支付,2026-10-01 10:00:00,39.00,78.00,70.00,0,78.00,完成,SOP,jd_abc,张三,"上海, 徐汇",13800000031,,0.00,'
        "2026-10-01 10:01:00,2026-10-03 10:00:00,,K2\n"
        "301000000002,10002,贴膜,1,在线支付,2026-10-01 11:00:00,39.00,39.00,35.00,0,39.00,(删除)等待出库,SOP,jd_def,李四,北京,,,0.00,,,,K2\n"
        "301000000003,10002,贴膜,1,在线支付,2026-10-01 12:00:00,39.00,39.00,35.00,0,39.00,等待付款,SOP,,王五,北京,,,0.00,,,,K2\n",
        encoding="gb18030",
        name="jd.csv",
        new=2,
        refused={5: "missing_identity"},
    ),
    Messy(
        "jd.lines",
        "订单号,商品ID,商品名称,订购数量,支付方式,下单时间,京东价,订单金额,结算金额,余额支付,应付金额,订单状态,下单帐号,客户姓名,联系电话,仓库名称,商家SKUID\n"
        "KNOWN,10001,手机壳,2,在线支付,2026-10-01 10:00:00,39.50,100.00,70.00,0,100.00,完成,jd_abc,张三,13800000031,,K1\n"
        "KNOWN,10002,贴膜,1,在线支付,2026-10-01 10:00:00,,100.00,70.00,0,100.00,完成,jd_abc,张三,13800000031,,K2\n",
        encoding="gb18030",
        new=1,
        refused={3: "missing_value"},
    ),
    Messy(
        "jd.refunds",
        "退款单号,订单号,客户帐号,退款金额,申请时间,审核时间,审核状态\n1,KNOWN,jd_abc,￥10.00,2026-10-02 10:00,2026-10-02 11:00,审核通过\n"
        "2,KNOWN,jd_abc,￥20.00,2026-10-02 10:00,,审核不通过\n",
        new=1,
        skipped=1,
        found=False,
    ),
    Messy(
        "meituan.orders",
        "美团外卖订单明细 2026-10-01 至 2026-10-31\n\n订单编号,下单时间,门店名称,订单状态,用户ID,顾客电话,商品总价,餐盒费,用户支付配送费,商家活动支出,顾客实付,退款金额,退款时间,订单完成时间\n"
        '="880000000001",2026-10-01 12:01:02,徐汇店,已完成,U1,13800000041_1234,50.00,2.00,5.00,-8.00,49.00,,,2026-10-01 12:40:00\n',
        new=1,
        found=False,
    ),
    Messy(
        "meituan.lines",
        "订单编号,商品名称,菜品编码,商品数量,商品单价,规格\nKNOWN,牛肉面,NM1,2,18.5,大份\nKNOWN,可乐,KL1,1,4,\n合计,,,3,,\n",
        new=2,
        refused={4: "totals_row"},
        found=False,
    ),
    Messy(
        "eleme.orders",
        "店铺名称\t订单号\t下单时间\t订单状态\t用户ID\t用户电话\t菜品金额\t餐盒费\t配送费\t商户补贴\t用户实付\t用户退款金额\t完成时间\n"
        "徐汇店\t='1'\t2026-10-01 12:00\t已完成\tU9\t138****0051\t40\t1\t3\t2\t42.00\t0\t2026-10-01 12:40\n"
        '徐汇店\t="2"\t2026-10-01 12:10\t无效订单\tU9\t\t40\t1\t3\t2\t42.00\t\t\n'
        '徐汇店\t="3"\t2026-10-01 12:20\t已完成\t\t13800000052转8821\t40\t1\t3\t2\t42.00\t\t\n',
        encoding="gb18030",
        name="eleme.txt",
        new=2,
        refused={4: "masked_identity"},
        found=False,
    ),
    Messy(
        "mini_program.orders",
        "交易时间,公众账号ID,商户号,特约商户号,设备号,微信订单号,商户订单号,用户标识,交易类型,交易状态,付款银行,货币种类,应结订单金额,代金券金额,微信退款单号,商户退款单号,退款金额,充值券退款金额,"
        "退款类型,退款状态,商品名称,商户数据包,手续费,费率,订单金额,申请退款金额,费率备注\n"
        "`2026-10-01 10:00:00,`wx1,`1900,`0,`,`42000001,`W1,`oAbC1,`JSAPI,`SUCCESS,`OTHERS,`CNY,`12.50,`0.00,`0,`0,`0.00,`0.00,`,`,`咖啡,`,`0.08000,`0.60%,`12.50,`0.00,`\n"
        "`2026-10-01 18:00:00,`wx1,`1900,`0,`,`42000001,`W1,`oAbC1,`JSAPI,`REFUND,`OTHERS,`CNY,`0.00,`0.00,`50300,`R1,`5.00,`0.00,`ORIGINAL,`SUCCESS,`咖啡,`,`-0.03,`0.60%,`0.00,`5.00,`\n"
        "总交易单数,应结订单总金额,退款总金额,充值券退款总金额,手续费总金额,订单总金额,申请退款总金额\n`2,`12.50,`5.00,`0.00,`0.05000,`12.50,`5.00\n",
        encoding="utf-8-sig",
        name="1900All2026-10-01.csv",
        new=1,
        skipped=1,
        refused={4: "too_few_columns", 5: "too_few_columns"},
    ),
    Messy(
        "mini_program.refunds",
        "交易时间,公众账号ID,商户号,特约商户号,设备号,微信订单号,商户订单号,用户标识,交易类型,交易状态,付款银行,货币种类,应结订单金额,代金券金额,微信退款单号,商户退款单号,退款金额,充值券退款金额,"
        "退款类型,退款状态,商品名称,商户数据包,手续费,费率,订单金额,申请退款金额,费率备注\n"
        "`2026-10-01 10:00:00,`wx1,`1900,`0,`,`42000001,`KNOWN,`oAbC1,`JSAPI,`SUCCESS,`OTHERS,`CNY,`12.50,`0.00,`0,`0,`0.00,`0.00,`,`,`咖啡,`,`0.08000,`0.60%,`12.50,`0.00,`\n"
        "`2026-10-01 18:00:00,`wx1,`1900,`0,`,`42000001,`KNOWN,`oAbC1,`JSAPI,`REFUND,`OTHERS,`CNY,`0.00,`0.00,`50300,`R1,`5.00,`0.00,`ORIGINAL,`SUCCESS,`咖啡,`,`-0.03,`0.60%,`0.00,`5.00,`\n",
        encoding="utf-8-sig",
        new=1,
        skipped=1,
    ),
    Messy(
        "mini_program.members",
        "openId,unionId,nickName,gender,city,province,country,purePhoneNumber,createTime,订阅消息\noA1,uA1,小明🍀,1,Shanghai,Shanghai,CN,13800000061,2026-09-01T08:00:00Z,true\n"
        "oA2,,\u200b小红,2,,,,null,2026-09-02 08:00,false\n,,谁,0,,,,,,\n",
        new=2,
        refused={4: "missing_identity"},
        found=False,
    ),
    Messy(
        "mini_program.events",
        "openid,event_name,event_time,event_id,page,scene\noA1,view,2026-10-01 10:00:01,e1,/index,1001\noA1,view,2026-10-01 10:00:01,e1,/index,1001\noA1,,2026-10-01 10:00:02,e2,/index,1001\n",
        new=1,
        refused={4: "missing_value"},
        found=False,
    ),
    Messy(
        "app.members",
        "user_id|mobile|email|nickname|sex|birthday|register_time|device_id|push_enabled|sms_opt_in|consent_time|privacy_version|os\n"
        "10001|13800000071|A@B.cn|阿强|M|1988-08-08|2026-01-01 10:00:00|D1|1|0|2026-01-01 10:00:00|v3|iOS\n"
        "10002|13800000072|bad mail|阿珍|F||2026-01-02 10:00:00|D2|0|1|2026-01-02|v3|Android\n",
        new=1,
        refused={3: "bad_email"},
        found=False,
    ),
    Messy(
        "app.orders",
        "order_id,user_id,created_at,pay_amount,order_status,discount_amount,freight,refund_amount,refund_time,updated_at\n"
        "A1,10001,2026-10-01 10:00:00,12800,PAID,0,0,,,2026-10-01 10:00:00\nA2,10001,2026/10/1 下午 3:20:05,9900,REFUNDED,0,0,9900,2026-10-05 10:00,2026-10-05 10:00:00\n"
        "A3,10001,2026-10-01 10:00:00,100,CLOSED,0,0,200,,\n",
        new=2,
        refused={4: "refund_too_large"},
        found=False,
    ),
    Messy(
        "app.events",
        "user_id,device_id,event,timestamp,event_id,page\n10001,D1,view,1790848800,e1,/p/1\n10001,D1,click,1790848801000,e2,/p/1\n10001,D1,click,yesterday,e3,/p/1\n",
        new=2,
        refused={4: "bad_date"},
        found=False,
    ),
    Messy(
        "pos.orders",
        "徐汇店销售日报,,,,,,,,\n打印时间：2026-10-02 08:00,,,,,,,,\n小票号,会员卡号,会员手机,交易时间,实收金额,优惠金额,门店名称,单据状态,原小票号\n"
        '="000123",C001,,2026-10-01 10:00,"1,299.00",100,徐汇店,销售,\n="000124",,,2026-10-01 10:05,20,0,徐汇店,销售,\n="000125",,１３８ ００００ ００８２,2026-10-01 10:06,－20,0,徐汇店,退货,\n'
        '="000126",,,2026-10-01 11:00,"-￥1,000.00",0,徐汇店,退货,="000123"\n="000127",C001,,2026-10-01 11:30,(299.00),0,徐汇店,退货,000123\n="000128",C001,,2026-10-01 11:40,-9,0,徐汇店,作废,\n'
        "合计,,,,1299,100,,,\n",
        encoding="gb18030",
        name="日报.csv",
        new=4,
        skipped=1,
        refused={5: "missing_identity", 10: "totals_row"},
        found=False,
    ),
    Messy(
        "pos.lines",
        '小票号,行号,商品条码,品名,数量,单价,金额\nKNOWN,1,="0690001",牙膏,2,10,20\nKNOWN,2,0690002,"牙刷\n软毛",1,9.9,9.90\nKNOWN,x,0690003,杯子,1,9,9\nKNOWN,3,0690001,牙膏,-1,10,-10\n',
        new=2,
        skipped=1,
        refused={4: "bad_number"},
        found=False,
    ),
    Messy(
        "pos.products",
        '商品条码,品名,大类,中类,品牌,零售价\n=\'0690001\',牙膏,日化,口腔,佳洁,12.00\n"=""0690002""",牙刷,日化,口腔,佳洁,￥9.9\n合计,,,,,21.9\n',
        new=2,
        refused={4: "totals_row"},
        found=False,
    ),
    Messy(
        "pos.members",
        "会员卡号,会员姓名,会员手机,性别,生日,开卡日期,会员等级,同意营销短信,同意时间\nC101,张三 ,13800000091.0,女士,1990.1.2,20250301,金卡,同意,2025-03-01\nC102,李四,1380000009,男,,20250302,银卡,不同意,2025-03-02\nC103,王五,,外星人,,,,也许,\n",
        encoding="gb18030",
        new=1,
        refused={3: "bad_phone", 4: "unknown_value"},
        found=False,
    ),
    Messy(
        "dealer.members",
        "经销商名称,客户姓名,客户手机,省份,城市,登记日期,客户类型,同意营销短信\n华东一店,张三,13800000101,上海,上海,2026-01-01,已成交,是\n华东一店,李四,(138) 0000 0102,江苏,南京,2026-01-02,意向客户,否\n华东一店,王五,110,江苏,南京,2026-01-02,意向客户,否\n",
        encoding="gb18030",
        new=2,
        refused={4: "bad_phone"},
        found=False,
    ),
    Messy(
        "dealer.orders",
        '经销商名称,销售单号,客户姓名,客户手机,销售日期,销售金额,退货金额,单据状态\n华东一店,XS001,张三,13800000111,2026-01-05,"¥12,800",,已审核\n华东一店,XS002,李四,13800000112,2026-01-06,500元,500,已退货\n华东一店,XS003,李四,13800000112,2026-13-06,500,,已审核\n',
        encoding="gb18030",
        new=2,
        refused={4: "bad_date"},
        found=False,
    ),
    Messy(
        "alliance.members",
        "合作方名称,活动名称,手机号,姓名,参与时间,同意接收信息,授权时间,协议版本\n某银行,双十一,13800000121,张三,2026-10-01 10:00,同意,2026-10-01 10:00:00,v1\n某银行,双十一,13800000122,李四,2026-10-01 10:00,,,\n某银行,双十一,无,王五,2026-10-01 10:00,同意,2026-10-01,v1\n",
        new=2,
        refused={4: "placeholder_identity"},
        found=False,
    ),
    Messy(
        "alliance.orders",
        "合作方名称,核销单号,手机号,核销时间,核销金额,核销状态,核销门店\n某银行,H1,13800000131,2026-10-01 10:00,30,已核销,徐汇店\n某银行,H2,13800000132,2026-10-01 10:00,30,已过期,\n某银行,H3,13800000133,,30,已核销,\n",
        new=2,
        refused={4: "missing_value"},
        found=False,
    ),
]
