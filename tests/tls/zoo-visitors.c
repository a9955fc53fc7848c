/* SPDX-License-Identifier: MIT */
#include "zoo.h"

#include <errno.h>
#include <glib.h>

#include <fend/tls.h>

/* Those that stand between a leaf and the CA. */
/* clang-format off */
static const struct animal authorities[] = {
	{.name = "inter", .subject = "/CN=inter", .san = "", .extensions = ZOO_AUTHORITY},
	{.name = "inter-2", .issuer = "inter", .subject = "/CN=inter-2", .san = "",
	 .extensions = ZOO_AUTHORITY},
	{.name = "inter-last", .subject = "/CN=inter-last", .san = "",
	 .extensions = "basicConstraints=critical,CA:TRUE,pathlen:0\nkeyUsage=keyCertSign\n"},
	{.name = "inter-too-deep", .issuer = "inter-last", .subject = "/CN=inter-too-deep", .san = "",
	 .extensions = ZOO_AUTHORITY},
	{.name = "inter-rsa", .subject = "/CN=inter-rsa", .san = "", .key = "rsa:2048",
	 .extensions = ZOO_AUTHORITY},
	{.name = "inter-weak", .subject = "/CN=inter-weak", .san = "", .key = "rsa:1024",
	 .extensions = ZOO_AUTHORITY},
	{.name = "inter-sha1", .subject = "/CN=inter-sha1", .san = "", .digest = "-sha1",
	 .extensions = ZOO_AUTHORITY},
	{.name = "inter-for-clients", .subject = "/CN=inter-for-clients", .san = "",
	 .extensions = ZOO_AUTHORITY "extendedKeyUsage=clientAuth\n"},
	{.name = "inter-for-stapled", .subject = "/CN=inter-for-stapled", .san = "",
	 .extensions = ZOO_AUTHORITY "tlsfeature=status_request\n"},
	{.name = "inter-com", .subject = "/CN=inter-com", .san = "",
	 .extensions = ZOO_AUTHORITY "nameConstraints=critical,permitted;DNS:example.com\n"},
	{.name = "inter-com-upper", .subject = "/CN=inter-com-upper", .san = "",
	 .extensions = ZOO_AUTHORITY "nameConstraints=critical,permitted;DNS:EXAMPLE.COM\n"},
	{.name = "inter-org", .subject = "/CN=inter-org", .san = "",
	 .extensions = ZOO_AUTHORITY "nameConstraints=critical,permitted;DNS:example.org\n"},
	{.name = "inter-good", .subject = "/CN=inter-good", .san = "",
	 .extensions = ZOO_AUTHORITY "nameConstraints=critical,permitted;DNS:good.example.com\n"},
	{.name = "inter-not-com", .subject = "/CN=inter-not-com", .san = "",
	 .extensions = ZOO_AUTHORITY "nameConstraints=critical,excluded;DNS:example.com\n"},
	{.name = "inter-not-org", .subject = "/CN=inter-not-org", .san = "",
	 .extensions = ZOO_AUTHORITY "nameConstraints=critical,excluded;DNS:example.org\n"},
	{.name = "inter-not-com-but-com", .issuer = "inter-not-com",
	 .subject = "/CN=inter-not-com-but-com", .san = "",
	 .extensions = ZOO_AUTHORITY "nameConstraints=critical,permitted;DNS:example.com\n"},
	{.name = "inter-192", .subject = "/CN=inter-192", .san = "",
	 .extensions = ZOO_AUTHORITY
	 "nameConstraints=critical,permitted;IP:192.0.2.0/255.255.255.0\n"},
	{.name = "inter-198", .subject = "/CN=inter-198", .san = "",
	 .extensions = ZOO_AUTHORITY
	 "nameConstraints=critical,permitted;IP:198.51.100.0/255.255.255.0\n"},
	{.name = "no-authority", .subject = "/CN=no-authority"},
};
/* clang-format on */

#define SERVER "extendedKeyUsage=serverAuth\n"

#define REJECTED(fault) -EKEYREJECTED, FEND_TLS_FAULT_##fault

const struct visitor zoo_visitors[] = {
	{ { "plain" }, NULL, 0, 0 },
	{ { "by-intermediate", "inter", .others = "inter" }, NULL, 0, 0 },
	{ { "by-two", "inter-2", .others = "inter-2 inter" }, NULL, 0, 0 },
	{ { "reversed", "inter-2", .others = "inter inter-2" }, NULL, 0, 0 },
	{ { "with-root", "inter", .others = "inter authority" }, NULL, 0, 0 },
	{ { "with-a-stranger", "inter", .others = "inter other-authority" }, NULL, 0, 0 },
	{ { "intermediate-missing", "inter" }, NULL, REJECTED(UNKNOWN_ISSUER) },
	{ { "one-of-two-missing", "inter-2", .others = "inter-2" },
	  NULL,
	  REJECTED(UNKNOWN_ISSUER) },
	{ { "untrusted", "other-authority" }, NULL, REJECTED(UNKNOWN_ISSUER) },
	{ { "untrusted-with-root", "other-authority", .others = "other-authority" },
	  NULL,
	  REJECTED(UNKNOWN_ISSUER) },
	{ { "by-itself", .self_signed = 1 }, NULL, REJECTED(UNKNOWN_ISSUER) },
	{ { "bad-signature", .bad_signature = 1 }, NULL, REJECTED(SIGNATURE) },
	{ { "by-no-authority", "no-authority", .others = "no-authority" },
	  NULL,
	  REJECTED(ISSUER_IS_NO_CA) },
	{ { "too-deep", "inter-too-deep", .others = "inter-too-deep inter-last" },
	  NULL,
	  REJECTED(CONSTRAINT) },

	{ { "past", .days_from = -20, .days_to = -10 },
	  NULL,
	  -EKEYEXPIRED,
	  FEND_TLS_FAULT_EXPIRED },
	{ { "future", .days_from = 10, .days_to = 20 },
	  NULL,
	  -EKEYEXPIRED,
	  FEND_TLS_FAULT_NOT_YET_VALID },
	{ { "past-and-other-name", .days_from = -20, .days_to = -10 },
	  "evil.example.com",
	  -EKEYEXPIRED,
	  FEND_TLS_FAULT_EXPIRED | FEND_TLS_FAULT_NAME },

	{ { "other-name" }, "evil.example.com", REJECTED(NAME) },
	{ { "part-of-name" }, "example.com", REJECTED(NAME) },
	{ { "upper-case-name", .san = "DNS:GOOD.Example.COM" }, NULL, 0, 0 },
	{ { "upper-case-asked" }, "GOOD.example.COM", 0, 0 },
	{ { "dot-after-name", .san = "DNS:good.example.com." }, NULL, REJECTED(NAME) },
	{ { "dot-after-asked" }, "good.example.com.", 0, 0 },
	{ { "last-of-many", .san = ZOO_MANY_NAMES }, NULL, 0, 0 },
	{ { "wildcard", .san = "DNS:*.example.com" }, NULL, 0, 0 },
	{ { "wildcard-two-levels", .san = "DNS:*.example.com" },
	  "a.good.example.com",
	  REJECTED(NAME) },
	{ { "wildcard-no-level", .san = "DNS:*.example.com" }, "example.com", REJECTED(NAME) },
	{ { "wildcard-of-top", .san = "DNS:*.com" }, "example.com", REJECTED(NAME) },
	{ { "wildcard-alone", .san = "DNS:*" }, "localhost", REJECTED(NAME) },
	{ { "wildcard-twice", .san = "DNS:*.*.com" }, NULL, REJECTED(NAME) },
	{ { "wildcard-inside", .san = "DNS:good.*.com" }, NULL, REJECTED(NAME) },
	{ { "wildcard-partial", .san = "DNS:g*.example.com" }, NULL, REJECTED(NAME) },
	{ { "nul-in-name", .san = "DNS:good.example.com!.evil" }, NULL, REJECTED(NAME) },
	{ { "nul-in-common-name", .subject = "/CN=good.example.com!.evil", .san = "" },
	  NULL,
	  REJECTED(NAME) },

	{ { "common-name-alone", .san = "" }, NULL, REJECTED(NAME) },
	{ { "common-name-and-mail", .san = "email:someone@example.com" }, NULL, REJECTED(NAME) },
	{ { "common-name-and-uri", .san = "URI:https://good.example.com/" }, NULL, REJECTED(NAME) },
	{ { "common-name-and-address", .san = "IP:192.0.2.1" }, NULL, REJECTED(NAME) },
	{ { "no-subject", .subject = "/", .san = "critical,DNS:good.example.com" }, NULL, 0, 0 },
	{ { "no-name", .subject = "/", .san = "" }, NULL, REJECTED(NAME) },

	{ { "address", .san = "IP:192.0.2.1" }, "192.0.2.1", 0, 0 },
	{ { "address-of-six", .san = "IP:2001:db8::1" }, "2001:db8:0::1", 0, 0 },
	{ { "other-address", .san = "IP:192.0.2.1" }, "192.0.2.2", REJECTED(NAME) },
	{ { "other-address-of-six", .san = "IP:2001:db8::1" }, "2001:db8::2", REJECTED(NAME) },
	{ { "address-as-name", .san = "DNS:192.0.2.1" }, "192.0.2.1", REJECTED(NAME) },
	{ { "address-as-common-name", .subject = "/CN=192.0.2.1", .san = "" },
	  "192.0.2.1",
	  REJECTED(NAME) },
	{ { "wildcard-address", .san = "DNS:*.0.2.1" }, "192.0.2.1", REJECTED(NAME) },

	{ { "permitted", "inter-com", .others = "inter-com" }, NULL, 0, 0 },
	{ { "permitted-in-upper-case", "inter-com-upper", .others = "inter-com-upper" },
	  NULL,
	  0,
	  0 },
	{ { "not-permitted", "inter-org", .others = "inter-org" }, NULL, REJECTED(CONSTRAINT) },
	{ { "excluded", "inter-not-com", .others = "inter-not-com" }, NULL, REJECTED(CONSTRAINT) },
	{ { "not-excluded", "inter-not-org", .others = "inter-not-org" }, NULL, 0, 0 },
	{ { "excluded-then-permitted", "inter-not-com-but-com",
	    .others = "inter-not-com-but-com inter-not-com" },
	  NULL,
	  REJECTED(CONSTRAINT) },
	{ { "wildcard-beyond-permitted", "inter-good", .san = "DNS:*.example.com",
	    .others = "inter-good" },
	  NULL,
	  REJECTED(CONSTRAINT) },
	{ { "address-permitted", "inter-192", .san = "IP:192.0.2.1", .others = "inter-192" },
	  "192.0.2.1",
	  0,
	  0 },
	{ { "address-not-permitted", "inter-198", .san = "IP:192.0.2.1", .others = "inter-198" },
	  "192.0.2.1",
	  REJECTED(CONSTRAINT) },

	{ { "for-servers", .extensions = ZOO_LEAF SERVER }, NULL, 0, 0 },
	{ { "for-clients", .extensions = ZOO_LEAF "extendedKeyUsage=clientAuth\n" },
	  NULL,
	  REJECTED(PURPOSE) },
	{ { "by-authority-for-clients", "inter-for-clients", .others = "inter-for-clients" },
	  NULL,
	  REJECTED(PURPOSE) },
	{ { "unknown-critical", .extensions = ZOO_LEAF "1.2.3.4=critical,ASN1:NULL\n" },
	  NULL,
	  REJECTED(EXTENSION) },

	{ { "stapled", .extensions = ZOO_LEAF "tlsfeature=status_request\n" },
	  NULL,
	  REJECTED(STAPLE_MISSING) },
	{ { "other-feature", .extensions = ZOO_LEAF "tlsfeature=status_request_v2\n" },
	  NULL,
	  0,
	  0 },
	{ { "by-authority-for-stapled", "inter-for-stapled", .others = "inter-for-stapled" },
	  NULL,
	  REJECTED(CONSTRAINT) },

	{ { "rsa-1024", .key = "rsa:1024" }, NULL, REJECTED(WEAK) },
	{ { "by-rsa-1024", "inter-weak", .others = "inter-weak" }, NULL, REJECTED(WEAK) },
	{ { "sha1", .digest = "-sha1" }, NULL, REJECTED(WEAK) },
	{ { "md5", "inter-rsa", .digest = "-md5", .others = "inter-rsa" }, NULL, REJECTED(WEAK) },
	{ { "by-sha1", "inter-sha1", .others = "inter-sha1" }, NULL, REJECTED(WEAK) },
};

const size_t zoo_visitors_count = G_N_ELEMENTS(zoo_visitors);

void
zoo_open(void)
{
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(authorities); i++)
		zoo_make(&authorities[i]);
}
