/*
 * Where a line may end: the Japanese line breaking rules (JIS X 4051, 禁則処理) in the small form
 * that plain text mail needs.
 *
 * Own rules rather than a library's line breaker, because the text edition is compared byte for
 * byte and must not change with a Unicode version; and because ours are stricter: Latin words,
 * ports (23/TCP) and numbers stay whole, and a number stays with its unit (9,612.4件).
 */
#include "publish/wrap.h"

#include <string.h>
#include <unicode/uchar.h>

#include "base/utf8.h"

/* Never at the start of a line. */
static const char no_start[] =
    "、。，．・：；？！゛゜ヽヾゝゞ々ー’”）〕］｝〉》」』】〟°′″℃％‰〜～–—…‥"
    "ぁぃぅぇぉっゃゅょゎゕゖァィゥェォッャュョヮヵヶ｡｣､･ｰﾞﾟｧｨｩｪｫｬｭｮｯ"
    ",.:;?!)]}%»›";

/* Never at the end of a line. */
static const char no_end[] = "‘“（〔［｛〈《「『【〝￥＄￡＃([{$#«‹第約";

/* What a number counts: stays on the line of the number before it. */
static const char units[] = "件個台日年月週秒分時回倍位期円度億万千百種度割点番号名社行";

/* True if the code point is in a UTF-8 list. */
static bool listed(const char *list, uint32_t cp)
{
	size_t len = strlen(list);

	for (size_t at = 0; at < len;) {
		uint32_t c;

		at += utf8_decode(list + at, len - at, &c);
		if (c == cp)
			return true;
	}
	return false;
}

size_t publish_width_of(const struct publish_style *style, uint32_t cp)
{
	UEastAsianWidth width;
	int8_t category;

	if (cp < 0x20 || cp == 0x7f)
		return 0;
	if (cp < 0x7f)
		return 1;
	category = u_charType((UChar32)cp);
	if (category == U_NON_SPACING_MARK || category == U_ENCLOSING_MARK
	    || category == U_FORMAT_CHAR || category == U_CONTROL_CHAR)
		return 0;
	width = (UEastAsianWidth)u_getIntPropertyValue((UChar32)cp, UCHAR_EAST_ASIAN_WIDTH);
	if (width == U_EA_FULLWIDTH || width == U_EA_WIDE)
		return 2;
	return width == U_EA_AMBIGUOUS && style->language == PUBLISH_JA ? 2 : 1;
}

size_t publish_width(const struct publish_style *style, const char *text, size_t len)
{
	size_t width = 0;

	for (size_t at = 0; at < len;) {
		uint32_t cp;

		at += utf8_decode(text + at, len - at, &cp);
		width += publish_width_of(style, cp);
	}
	return width;
}

static bool is_digit(uint32_t cp)
{
	return cp >= '0' && cp <= '9';
}

bool publish_break_allowed(const struct publish_style *style, uint32_t before, uint32_t after)
{
	bool wide;

	if (publish_width_of(style, after) == 0)
		return false;
	if (after == ' ' || after == 0x3000)
		return false;
	if (before == ' ' || before == 0x3000)
		return !listed(no_start, after);
	if (listed(no_start, after) || listed(no_end, before))
		return false;
	wide = publish_width_of(style, before) == 2 || publish_width_of(style, after) == 2;
	if (!wide)
		return false;
	if (is_digit(before) && listed(units, after))
		return false;
	/* 件/日: the slash belongs to both sides. */
	if (before == '/' || after == '/' || before == '-')
		return false;
	/* 190〜350 */
	if (before == 0x301c && is_digit(after))
		return false;
	/* A sign or a currency stays with its number. */
	return !((before == '+' || before == 0xb1 || before == 0xd7) && is_digit(after));
}
