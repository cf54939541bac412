/* The map of attack methods: its format with every error, and what the built-in one decides. */
#include "detect/classmap.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define HEAD "version 1\nclass a \"あ\" \"A\"\nclass b \"い\" \"B\"\nclass rest \"他\" \"Rest\"\n"

static struct classmap *make(const char *text)
{
	struct classmap *map = NULL;
	struct err err = {0};

	if (classmap_new(text, "own.map", &map, &err))
		fail_msg("%s", err.text);
	return map;
}

static const char *decide(const struct classmap *map, const char *msg, const char *classtype,
    uint32_t sid)
{
	struct classmap_rule rule = {.gid = 1, .sid = sid, .classtype = classtype, .msg = msg};

	return classmap_at(map, classmap_find(map, &rule))->id;
}

static void test_conditions(void **state)
{
	struct classmap *map = make(HEAD
	    "# a comment, and a blank line\n"
	    "\n"
	    "when a msg \"ET SCAN\" # begins with\n"
	    "when a\thas \"log#4j\"\r\n"
	    "when b word \"SIP\" classtype attempted-recon,misc-attack\n"
	    "when b sid 5,10-19 gid 1\n"
	    "otherwise rest");

	(void)state;
	assert_string_equal(classmap_version(map), "1");
	assert_int_equal(classmap_count(map), 3);
	assert_string_equal(classmap_at(map, 0)->ja, "あ");
	assert_string_equal(classmap_at(map, 0)->en, "A");
	assert_int_equal(classmap_rest(map), 2);
	assert_string_equal(decide(map, "et scan Something", "", 0), "a");
	assert_string_equal(decide(map, "An ET SCAN", "", 0), "rest");
	assert_string_equal(decide(map, "see LOG#4J there", NULL, 0), "a");
	assert_string_equal(decide(map, "a SIP probe", "misc-attack", 0), "b");
	assert_string_equal(decide(map, "a SIP probe", "misc-attacks", 0), "rest");
	assert_string_equal(decide(map, "a SIP probe", NULL, 0), "rest");
	assert_string_equal(decide(map, "GOSSIP or sip", "attempted-recon", 0), "b");
	assert_string_equal(decide(map, "GOSSIP", "attempted-recon", 0), "rest");
	assert_string_equal(decide(map, NULL, NULL, 5), "b");
	assert_string_equal(decide(map, NULL, NULL, 19), "b");
	assert_string_equal(decide(map, NULL, NULL, 20), "rest");
	assert_string_equal(decide(map, NULL, NULL, 1), "rest");
	classmap_free(map);
}

/* The first line that holds decides. */
static void test_order(void **state)
{
	struct classmap *map = make(HEAD "when b msg \"x\"\nwhen a msg \"x\"\notherwise rest\n");

	(void)state;
	assert_string_equal(decide(map, "x", "", 0), "b");
	classmap_free(map);
}

static void test_errors(void **state)
{
	static const struct {
		const char *text;
		const char *error;
	} cases[] = {
		{"class a \"あ\" \"A\"\notherwise a\n", "own.map: the line 'version' is missing"},
		{HEAD, "own.map: the line 'otherwise' is missing"},
		{HEAD "otherwise c\n", "own.map:5: otherwise names no class above"},
		{HEAD "when c msg \"x\"\n", "own.map:5: no class 'c' above"},
		{HEAD "when a\n", "own.map:5: when needs a class and a condition"},
		{HEAD "when a begins \"x\"\n", "own.map:5: 'begins' is no condition (msg, has, word, "
		    "classtype, sid, gid)"},
		{HEAD "when a msg \"x\" has\n", "own.map:5: has needs something after it"},
		{HEAD "when a msg \"\"\n", "own.map:5: msg needs something after it"},
		{HEAD "when a sid 9-5\n", "own.map:5: '9-5': numbers are written 1,10-19"},
		{HEAD "when a sid 1,\n", "own.map:5: '1,': numbers are written 1,10-19"},
		{HEAD "when a sid 5000000000\n",
		    "own.map:5: '5000000000': numbers are written 1,10-19"},
		{HEAD "when a msg \"x\n", "own.map:5: a quotation mark is missing"},
		{HEAD "when a msg \"x\"y\n",
		    "own.map:5: a blank is missing after a quotation mark"},
		{HEAD "when a msg 1 msg 2 msg 3 msg 4 msg 5 msg 6 msg 7\n",
		    "own.map:5: too many words"},
		{HEAD "class a \"う\" \"C\"\n", "own.map:5: class 'a' is there twice"},
		{HEAD "class A \"う\" \"C\"\n",
		    "own.map:5: an id has small letters, digits and hyphens"},
		{HEAD "class c \"う\"\n", "own.map:5: class needs an id and two names: class scan "
		    "\"スキャン\" \"Scanning\""},
		{HEAD "version 2\n", "own.map:5: version is said once, with one word"},
		{HEAD "otherwise a\notherwise b\n", "own.map:6: otherwise is said once, with one class"},
		{HEAD "scan msg \"x\"\n", "own.map:5: a line begins with version, class, when or "
		    "otherwise, not with 'scan'"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct classmap *map = NULL;
		struct err err = {0};

		assert_int_equal(classmap_new(cases[i].text, "own.map", &map, &err), ST_MALFORMED);
		assert_string_equal(err.text, cases[i].error);
		assert_null(map);
	}
}

/* Headings that the NPA's reports have had, from messages of public rule sets. */
static void test_built_in(void **state)
{
	static const struct {
		const char *class;
		const char *msg;
		const char *classtype;
	} cases[] = {
		{"voip", "ET SCAN Sipvicious Scan", ""},
		{"scan", "ET SCAN NMAP OS Detection Probe", "attempted-recon"},
		{"scan", "INDICATOR-SCAN SSH Version map attempt", "network-scan"},
		{"scan", "ET SCAN Potential SSH Scan", "attempted-recon"},
		{"login", "ET SCAN LibSSH Based Frequent SSH Connections Likely BruteForce Attack",
		    "attempted-admin"},
		{"login", "ET SCAN MYSQL 4.0 brute force root login attempt", ""},
		{"voip", "ET SCAN Sipvicious User-Agent Detected (friendly-scanner)", ""},
		{"voip", "ET VOIP REGISTER Message Flood UDP", "attempted-dos"},
		{"voip", "PROTOCOL-VOIP Sipvicious User-Agent detected", "attempted-recon"},
		{"smbv1", "ET EXPLOIT Possible ETERNALBLUE Probe MS17-010 (Generic Flags)", ""},
		{"smb", "GPL NETBIOS SMB IPC$ unicode share access", ""},
		{"rdp", "ET SCAN Behavioral Unusually fast Terminal Server Traffic Potential Scan", ""},
		{"web-apache", "SERVER-APACHE Apache HTTP Server httpd path traversal", ""},
		{"web-apache", "ET EXPLOIT Apache HTTP Server 2.4.49 - Path Traversal Attempt", ""},
		{"web-java", "ET EXPLOIT Apache log4j RCE Attempt (http ldap) (CVE-2021-44228)", ""},
		{"web-java", "ET EXPLOIT Apache Struts 2 REST Plugin (ProcessBuilder)", ""},
		{"web-php", "ET WEB_SERVER ThinkPHP RCE Exploitation Attempt", ""},
		{"web", "ET WEB_SERVER Possible SQL Injection (varchar) in HTTP Request Body",
		    "web-application-attack"},
		{"vpn", "ET EXPLOIT FortiOS SSL VPN - Information Disclosure (CVE-2018-13379)", ""},
		{"router", "ET EXPLOIT Netgear DGN Remote Command Execution", "attempted-admin"},
		{"router", "ET EXPLOIT Realtek SDK Miniigd UPnP SOAP Command Execution", ""},
		{"camera", "ET EXPLOIT Multiple CCTV-DVR Vendors RCE", "attempted-admin"},
		{"icmp", "GPL ICMP PING NMAP speedera", "attempted-recon"},
		{"dns", "ET DNS Query for .su TLD", "bad-unknown"},
		{"dos", "ET DOS Possible NTP DDoS Inbound Frequent Un-Authed MON_LIST Requests", ""},
		{"snmp", "ET SNMP missing community string attempt 1", ""},
		{"anomaly", "SURICATA STREAM Packet with invalid timestamp", ""},
		{"reputation", "ET CINS Active Threat Intelligence Poor Reputation IP group 3",
		    "misc-attack"},
		{"malware", "ET TROJAN Something", "trojan-activity"},
		{"other", "my own rule", "misc-activity"},
	};
	struct classmap *map = make(NULL);

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const char *found = decide(map, cases[i].msg, cases[i].classtype, 1);

		if (strcmp(found, cases[i].class) != 0)
			fail_msg("%s: %s, not %s", cases[i].msg, found, cases[i].class);
	}
	assert_int_equal(strlen(classmap_version(map)), 10);
	classmap_free(map);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_conditions),
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_errors),
		cmocka_unit_test(test_built_in),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
