/* Error codes in words; the contract is in status.h. */
#include "base/status.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int err_set(struct err *err, int code, const char *fmt, ...)
{
	va_list ap;

	if (!err)
		return code;
	err->code = code;
	va_start(ap, fmt);
	(void)vsnprintf(err->text, sizeof(err->text), fmt, ap);
	va_end(ap);
	return code;
}

int err_prefix(struct err *err, const char *fmt, ...)
{
	char text[ERR_TEXT_MAX];
	size_t used;
	va_list ap;
	int n;

	if (!err)
		return ST_OK;
	va_start(ap, fmt);
	n = vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	used = n < 0 ? 0 : (size_t)n;
	if (used >= sizeof(text))
		used = sizeof(text) - 1;
	(void)snprintf(text + used, sizeof(text) - used, ": %.*s",
	    (int)(sizeof(text) - used > 3 ? sizeof(text) - used - 3 : 0), err->text);
	memcpy(err->text, text, sizeof(text));
	return err->code;
}

const char *st_text(int code)
{
	if (code < 0 && code > -1000)
		return strerror(-code);
	switch ((enum st_code)code) {
	case ST_OK:
		return "ok";
	case ST_TRUNC:
		return "ends too early";
	case ST_MALFORMED:
		return "malformed";
	case ST_UNSUPPORTED:
		return "not supported";
	case ST_LIMIT:
		return "over a limit";
	case ST_NOT_FOUND:
		return "not found";
	case ST_EXISTS:
		return "exists already";
	case ST_USAGE:
		return "wrong usage";
	case ST_ENGINE:
		return "library error";
	}
	return "unknown error";
}
