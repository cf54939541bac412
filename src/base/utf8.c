/* UTF-8 decoding and repair; the contract is in utf8.h. */
#include "base/utf8.h"

size_t utf8_decode(const char *text, size_t len, uint32_t *ret_cp)
{
	const unsigned char *p = (const unsigned char *)text;
	uint32_t cp;
	uint32_t min;
	size_t n;

	*ret_cp = 0xfffd;
	if (p[0] < 0x80) {
		*ret_cp = p[0];
		return 1;
	}
	if (p[0] >= 0xc2 && p[0] <= 0xdf) {
		n = 2;
		cp = p[0] & 0x1f;
		min = 0x80;
	} else if ((p[0] & 0xf0) == 0xe0) {
		n = 3;
		cp = p[0] & 0x0f;
		min = 0x800;
	} else if (p[0] >= 0xf0 && p[0] <= 0xf4) {
		n = 4;
		cp = p[0] & 0x07;
		min = 0x10000;
	} else {
		return 1;
	}
	for (size_t i = 1; i < n; i++) {
		if (i >= len || (p[i] & 0xc0) != 0x80)
			return i;
		cp = cp << 6 | (p[i] & 0x3f);
	}
	if (cp >= min && cp <= 0x10ffff && (cp < 0xd800 || cp > 0xdfff))
		*ret_cp = cp;
	return n;
}

void utf8_append_valid(struct buf *b, const char *text, size_t len)
{
	for (size_t i = 0; i < len;) {
		uint32_t cp;
		size_t n = utf8_decode(text + i, len - i, &cp);

		if (cp == 0xfffd)
			buf_puts(b, "\xef\xbf\xbd");
		else
			buf_append(b, text + i, n);
		i += n;
	}
}
