/*
 * Words for roles; the contract is in roles.h.
 *
 * Reasons are stored in English, as patterns with numbers and names in them: a table turns each
 * into Japanese.  A test asks for every pattern of role.c.
 */
#include "cmd/roles.h"

#include <string.h>

#define HOLES_MAX 4

static const struct {
	const char *ja;
	const char *en;
} words[ROLE_COUNT] = {
	[ROLE_VICTIM_REFLECTION] = {"被害(反射型攻撃)", "victim (reflection)"},
	[ROLE_VICTIM_BACKSCATTER] = {"被害(跳ね返り)", "victim (backscatter)"},
	[ROLE_REFLECTOR] = {"反射元", "reflector"},
	[ROLE_INFECTED] = {"感染の疑い", "infected"},
	[ROLE_RESEARCH] = {"調査目的", "research"},
	[ROLE_ACTOR] = {"接続して通信", "actor"},
	[ROLE_SCANNER] = {"探索", "scanner"},
	[ROLE_MISCONFIGURED] = {"設定誤りの可能性", "misconfigured"},
	[ROLE_UNKNOWN] = {"不明", "unknown"},
};

const char *roles_word(enum role role, enum publish_language language)
{
	return language == PUBLISH_JA ? words[role].ja : words[role].en;
}

const char *roles_advice(enum role role, enum publish_language language)
{
	bool ja = language == PUBLISH_JA;

	switch (role) {
	case ROLE_VICTIM_REFLECTION:
	case ROLE_VICTIM_BACKSCATTER:
		return ja ? "国別順位から除外。ブロック対象にしないでください。"
		          : "Left out of country rankings.  Do not block it.";
	case ROLE_REFLECTOR:
		return ja ? "国別順位から除外。攻撃に悪用されたサーバとみられます。"
		          : "Left out of country rankings.  A server that an attacker abused.";
	case ROLE_MISCONFIGURED:
		return ja ? "国別順位から除外。" : "Left out of country rankings.";
	case ROLE_RESEARCH:
		return ja ? "順位では --no-research で除外できます。"
		          : "--no-research leaves it out of rankings.";
	case ROLE_INFECTED:
	case ROLE_ACTOR:
	case ROLE_SCANNER:
	case ROLE_UNKNOWN:
	case ROLE_COUNT:
		break;
	}
	return "";
}

/* {} is a number or a name; the Japanese holes are numbered as the English ones come. */
static const struct {
	const char *en;
	const char *ja;
} reasons[] = {
	{"{} packets to {}/udp for {}, the same addresses again and again",
	    "{1}/udp 宛ての要求({2})を同じアドレスに繰り返し計{0}件"},
	{"{} packets to {}/udp, the same addresses again and again",
	    "{1}/udp 宛ての要求を同じアドレスに繰り返し計{0}件"},
	{"{} replies to packets that were forged, reaching {} addresses",
	    "送信元を詐称されたパケットへの応答{0}件が{1}個のアドレスに到達"},
	{"{} replies, with servers of {} networks at the same time and port",
	    "{1}個のネットワークのサーバと同じ時間帯に同じポートから応答{0}件"},
	{"{} responses of a service that nobody had asked", "要求していないサービスの応答{0}件"},
	{"{} response of a service that nobody had asked", "要求していないサービスの応答{0}件"},
	{"its SYNs carry the mark of mirai", "SYNパケットにMiraiの特徴"},
	{"its SYNs carry the mark of {}", "SYNパケットに{0}の特徴"},
	{"address of {}", "{0}が公表しているアドレス"},
	{"{} packets with data in answered conversations", "応答した接続でデータを{0}件送信"},
	{"{} packet with data in answered conversations", "応答した接続でデータを{0}件送信"},
	{"{} packets to {} ports of several addresses, with {}",
	    "複数のアドレスの{1}個のポートへ{0}件({2}を使用)"},
	{"{} packets to {} port of several addresses, with {}",
	    "複数のアドレスの{1}個のポートへ{0}件({2}を使用)"},
	{"{} packets to {} ports of several addresses", "複数のアドレスの{1}個のポートへ{0}件"},
	{"{} packets to {} port of several addresses", "複数のアドレスの{1}個のポートへ{0}件"},
	{"{} packets to {} ports of one address, with {}",
	    "1個のアドレスの{1}個のポートへ{0}件({2}を使用)"},
	{"{} packets to {} port of one address, with {}", "1個のアドレスの{1}個のポートへ{0}件({2}を使用)"},
	{"{} packet to {} port of one address, with {}", "1個のアドレスの{1}個のポートへ{0}件({2}を使用)"},
	{"{} packets to {} ports of one address", "1個のアドレスの{1}個のポートへ{0}件"},
	{"{} packets to one port of one of {} addresses", "{1}個のうち1個のアドレスの同じポートへ{0}件"},
	{"{} packets to one port of one address", "1個のアドレスの同じポートへ{0}件"},
	{"{} packet to one port of one address", "1個のアドレスへ{0}件のみ"},
	{"{} packets of conversations that never began", "始まっていない接続のパケット{0}件"},
	{"{} replies to nothing: too few for an attack, or about another's",
	    "応答のみ{0}件(攻撃とするには少ないか、別のアドレスについてのもの)"},
	{"{} reply to nothing: too few for an attack, or about another's",
	    "応答のみ{0}件(攻撃とするには少ないか、別のアドレスについてのもの)"},
	{"{} packets that ask nothing", "何も求めないパケット{0}件"},
	{"{} packet that ask nothing", "何も求めないパケット{0}件"},
};

struct hole {
	const char *text;
	size_t len;
};

/* Whether the text is the pattern; what stands in its holes. */
static bool matches(const char *pattern, const char *text, struct hole holes[HOLES_MAX])
{
	size_t count = 0;

	while (*pattern) {
		const char *next;
		size_t len;

		if (strncmp(pattern, "{}", 2) != 0) {
			if (*pattern++ != *text++)
				return false;
			continue;
		}
		pattern += 2;
		/* The hole ends where what follows in the pattern, up to the next hole, comes. */
		next = strstr(pattern, "{}");
		len = next ? (size_t)(next - pattern) : strlen(pattern);
		holes[count].text = text;
		if (len == 0)
			text += strlen(text);
		while (*text && len && strncmp(text, pattern, len) != 0)
			text++;
		holes[count].len = (size_t)(text - holes[count].text);
		if (++count == HOLES_MAX)
			return false;
	}
	return !*text;
}

static void put_filled(struct buf *b, const char *ja, const struct hole holes[HOLES_MAX])
{
	for (; *ja; ja++) {
		if (ja[0] == '{' && ja[1] >= '0' && ja[1] < '0' + HOLES_MAX && ja[2] == '}') {
			buf_append(b, holes[ja[1] - '0'].text, holes[ja[1] - '0'].len);
			ja += 2;
		} else {
			buf_putc(b, *ja);
		}
	}
}

void roles_put_reason(struct buf *b, const char *reason, enum publish_language language)
{
	for (size_t i = 0; language == PUBLISH_JA && i < sizeof(reasons) / sizeof(reasons[0]); i++) {
		struct hole holes[HOLES_MAX] = {0};

		if (matches(reasons[i].en, reason, holes)) {
			put_filled(b, reasons[i].ja, holes);
			return;
		}
	}
	buf_puts(b, reason);
}
