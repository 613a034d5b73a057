"""Weibo's emoji codes: '[全力以赴]' and its kin, and the emoji that says the same everywhere."""

from __future__ import annotations

import re

_TABLE = """
微笑🙂 嘻嘻😁 哈哈😄 爱你😘 挖鼻👃 吃惊😲 晕😵 泪😢 馋嘴😋 抓狂😫 哼😤 可爱🥰 怒😡 汗😓 害羞☺️ 睡😴 钱🤑 偷笑🤭
笑cry😂 doge🐶 喵喵🐱 二哈🐺 酷😎 衰😞 闭嘴🤐 鄙视😒 色😍 鼓掌👏 悲伤😭 思考🤔 生病🤒 亲亲😚 白眼🙄 允悲🤦 费解😕
黑线😑 疑问❓ 吃瓜🍉 摊手🤷 作揖🙏 抱抱🤗 心❤️ 伤心💔 赞👍 good👍 耶✌️ ok👌 拳头✊ 加油💪 全力以赴💪 握手🤝 玫瑰🌹 鲜花🌹
蜡烛🕯️ 蛋糕🎂 干杯🍻 太阳☀️ 月亮🌙 话筒🎤 给力🎉 中国赞👍 裂开💔 苦涩😖 跪了🙇 并不简单🧐 心碎💔 失望😔 打脸🤕 右哼哼😤
左哼哼😤 嘘🤫 吐🤮 傻眼😳 可怜🥺 委屈🥺 哆啦A梦微笑😊 熊猫🐼 兔子🐰 猪头🐷 鲸鱼🐳 飞机✈️ 足球⚽ 礼物🎁 围观👀 威武💪 弱👎
拜拜👋 咖啡☕ 西瓜🍉 下雨🌧️ 雪花❄️ 星星⭐ 闪电⚡ 彩虹🌈 红包🧧 福🧧 灯笼🏮 鞭炮🧨 庆祝🎉 音乐🎵 绿丝带🎗️ 点亮橙色🧡
"""

EMOJI_OF: dict[str, str] = {match[1]: match[2] for match in re.finditer(r"([\w]+?)([^\w\s]\S*)", _TABLE)}
"""Known codes without brackets, and what stands for them."""

LONGEST_CODE = 8
"""Characters between the brackets."""


def is_code(inside: str) -> bool:
    """Whether '[inside]' may be an emoji code: 1 to 8 letters, no spaces, no marks."""
    return 0 < len(inside) <= LONGEST_CODE and inside.isalnum()


def emoji_of(inside: str) -> str | None:
    """The emoji of a code, '全力以赴' or 'Doge'; None for an unknown one."""
    return EMOJI_OF.get(inside) or EMOJI_OF.get(inside.lower())
