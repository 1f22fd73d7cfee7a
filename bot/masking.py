"""What is taken out of a message before it is stored: numbers of cards and papers, mobile numbers, front doors.

Of a home address the district, the road and the name of the estate stay, which the search for places
nearby needs; lane, house, staircase and room go. What only looks like a front door stays: 3号楼怎么走,
9号上午, 1号线, 住六楼没有电梯.
"""

from __future__ import annotations

import re

NO_ID, NO_CARD, NO_PAPER = "〔身份证号已隐去〕", "〔卡号已隐去〕", "〔证件号已隐去〕"
NO_MOBILE, NO_DOOR = "〔手机号已隐去〕", "〔门牌已隐去〕"

_BIRTHDAY = r"(?:0[1-9]|1[0-2])[ -]?(?:0[1-9]|[12]\d|3[01])"
_ID_CARD = re.compile(
    rf"(?<!\d)(?:\d{{17}}[\dXx]|[1-9](?:[ -]?\d){{5}}[ -]?(?:18|19|20)\d\d[ -]?{_BIRTHDAY}(?:[ -]?\d){{3}}[ -]?[\dXx叉])(?!\d)"
)
_OLD_ID_CARD = re.compile(rf"(?<!\d)[1-9]\d{{5}}[ -]?\d\d{_BIRTHDAY}[ -]?\d{{3}}(?!\d)")  # 15 digits, until 1999
_BANK_CARD = re.compile(r"(?<!\d)(?:\d[ -]?){15,18}\d(?!\d)")
_MOBILE = re.compile(r"(?<!\d)(?:\+?86[- ]?)?1[3-9]\d[- ]?\d{4}[- ]?\d{4}(?!\d)")
# Passports, and the passes between the mainland, Hong Kong, Macao and Taiwan.
_PAPER = re.compile(
    r"(?<![A-Za-z\d])(?:[CDEGHMPScdeghmps]\d{8}|[CEce][A-Za-z]\d{7}|[HMhm]\d{10})(?!\d)"
    r"|(?:(?<=护照)|(?<=[行胞乡住]证))(?:号码?|是|为|[:： ])*[A-Za-z]{0,2}\d{7,10}(?!\d)"
)
_SPOKEN = re.compile(r"[零〇一幺二两三四五六七八九\d](?:[ -]?[零〇一幺二两三四五六七八九\d]){6,}")
_DIGITS = str.maketrans("零〇一幺二两三四五六七八九", "0011223456789")

_N = r"(?:[0-9０-９]{1,5}|[零〇一幺二两三四五六七八九十百]{1,7})[ 　]?(?:[甲乙丙丁A-Fa-f](?![A-Za-z]))?[ 　]?"
_FEW = r"(?:[0-9０-９]{1,4}|[零〇一幺二两三四五六七八九十百]{1,6})[ 　]?"
_GAP = r"内?[ 　,，、\-—]{0,2}"
_LANE = rf"{_N}(?:支弄|弄(?!堂))(?:{_GAP}{_N}支弄)?"
_DAY = r"(?!线|上午|下午|早|晚|中午|夜|前|后|之|以|开|到|来|去|那天|这天|才|就|截|报|是|的)"
_HOUSE = rf"[甲乙丙]?{_N}(?:[号號][楼樓](?!的?[梯道])|[号號]{_DAY}|[栋棟幢座]|#楼?)[甲乙丙丁]?"
_STAIRS = rf"{_FEW}(?:[单單]元|[号號]?[门門](?!口|诊|診|卫))"
_FLOOR = rf"{_FEW}[楼樓层層]"
_ROOM = rf"{_FEW}(?:室(?!.?[一二两0-9].?[厅廳卫衛])|房(?:间|間)?)"
# A bare number is a room only where no measure follows it: 12号301, not 12号300元.
_BARE = (
    r"(?:[0-9０-９]{3,4}|[零〇一幺二两三四五六七八九]{3,4})"
    r"(?![0-9０-９零〇一二三四五六七八九十百千万.%多几来元块角岁人个位名份次年月日天点分秒小平米公斤里度路号號线期-])"
)
_IN_HOUSE = rf"(?:{_GAP}{_STAIRS})?(?:{_GAP}{_FLOOR})?"
_AT_LAST = rf"(?:{_GAP}(?:{_ROOM}|{_BARE}))"
_PLACE = r"(?:[路街道巷村苑园坊里庭城邸寓区厦湾墅舍宅]|[一二三四五六七八九十]村|公房|小[区區])[ 　,，]?"
_LIVES = (
    r"(?:住|家在|家里在|我家|俺家|屋里[厢向]?|地址|门牌|住址|住处|户口|户籍|搬[到去]|送[到去]|寄[到给]|上门[到来]?)"
)

_DOORS = (
    # 123弄…: a lane is where people live. In words only below a road: 弄 is a verb too.
    re.compile(
        rf"(?:(?<![0-9０-９])(?=[0-9０-９])|(?<=[路街道村坊里]))"
        rf"{_LANE}(?:{_GAP}{_HOUSE})?{_IN_HOUSE}{_AT_LAST}?"
    ),
    # 12号楼3单元502室, 5号301室: down to the room.
    re.compile(rf"(?<![月\d０-９]){_HOUSE}(?:{_GAP}{_STAIRS}{_AT_LAST}|{_IN_HOUSE}{_GAP}{_ROOM})"),
    re.compile(rf"(?<![\d０-９]){_STAIRS}(?:{_GAP}{_FLOOR})?{_AT_LAST}"),
    # 5组12号, 三队8号: in the villages.
    re.compile(rf"(?<![\d０-９第]){_FEW}(?:生产队|村民组|组|組|队|隊){_GAP}{_N}[号號]{_DAY}"),
)
# What is a front door only below a road or an estate (the first group stays).
_BELOW = (
    re.compile(rf"({_PLACE}){_HOUSE}(?:{_GAP}{_STAIRS}|{_IN_HOUSE}{_AT_LAST})"),
    # 住田林路65号: where somebody says that they live there; else it may be an office.
    re.compile(rf"({_LIVES}[^。！？!?\n；;]{{0,24}}?{_PLACE}){_HOUSE}{_IN_HOUSE}{_AT_LAST}?"),
    re.compile(rf"({_LIVES}(?:在|的是|是)?){_ROOM}"),
    re.compile(rf"({_LIVES}(?:在|的是|是)?){_BARE}(?=$|[，。！？、,.!? 　])"),
)


def mask(text: str, doors: bool = True) -> str:
    """Return ``text`` without numbers that are never kept; ``doors``: without the front doors either."""
    # A mobile number before a card: with 86 in front it could be taken for one.
    text = _ID_CARD.sub(NO_ID, with_digits(text))
    text = _BANK_CARD.sub(NO_CARD, _MOBILE.sub(NO_MOBILE, text))
    text = _PAPER.sub(NO_PAPER, _OLD_ID_CARD.sub(NO_ID, text))
    return mask_doors(text) if doors else text


def mask_cards(text: str) -> str:
    """Return what staff write without numbers of cards and papers; a number to ring is theirs to write."""
    text = _BANK_CARD.sub(NO_CARD, _ID_CARD.sub(NO_ID, text))
    return _PAPER.sub(NO_PAPER, _OLD_ID_CARD.sub(NO_ID, text))


def mask_doors(text: str) -> str:
    """Return ``text`` without lane, house, staircase and room of home addresses."""
    for pattern in _DOORS:
        text = pattern.sub(NO_DOOR, text)
    for pattern in _BELOW:
        text = pattern.sub(rf"\1{NO_DOOR}", text)
    return text


def with_digits(text: str) -> str:
    """Return ``text`` with numbers that were spoken digit by digit as digits: 幺三八零零…"""
    return _SPOKEN.sub(lambda found: found[0].translate(_DIGITS), text)
