/* UTF-8 decoding and repair; the contract is in utf8.h. */
#include "base/utf8.h"

/*
 * Unicode 15.0 table 3-7: the second byte's range depends on the first, which is what excludes
 * overlong forms, surrogates and values above U+10FFFF.  What is invalid is cut into maximal
 * subparts (section 3.9), as browsers and Python do.
 */
size_t utf8_decode(const char *text, size_t len, uint32_t *ret_cp)
{
	const unsigned char *p = (const unsigned char *)text;
	unsigned char low = 0x80;
	unsigned char high = 0xbf;
	uint32_t cp;
	size_t n;

	*ret_cp = 0xfffd;
	if (p[0] < 0x80) {
		*ret_cp = p[0];
		return 1;
	}
	if (p[0] >= 0xc2 && p[0] <= 0xdf) {
		n = 2;
		cp = p[0] & 0x1f;
	} else if ((p[0] & 0xf0) == 0xe0) {
		n = 3;
		cp = p[0] & 0x0f;
		if (p[0] == 0xe0)
			low = 0xa0;
		if (p[0] == 0xed)
			high = 0x9f;
	} else if (p[0] >= 0xf0 && p[0] <= 0xf4) {
		n = 4;
		cp = p[0] & 0x07;
		if (p[0] == 0xf0)
			low = 0x90;
		if (p[0] == 0xf4)
			high = 0x8f;
	} else {
		return 1;
	}
	for (size_t i = 1; i < n; i++) {
		if (i >= len || p[i] < low || p[i] > high)
			return i;
		low = 0x80;
		high = 0xbf;
		cp = cp << 6 | (p[i] & 0x3f);
	}
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
