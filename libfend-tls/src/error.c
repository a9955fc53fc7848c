/* SPDX-License-Identifier: MIT */
#include "provider.h"

#include <stdarg.h>
#include <stdio.h>

#include <fend-internal/public.h>

/*
 * The words for what went wrong. A failure is put together on the stack of whoever asked for the
 * work, so that reporting an error needs no memory; a session or a context then keeps a copy of
 * the text, or does with the text of the errno if there is no memory for that.
 */
int
fend__tls_fail(struct fend__tls_failure *failure, int err, const char *format, ...)
{
	va_list args;

	failure->err = err;
	failure->alert = -1;
	failure->from_peer = false;
	failure->faults = 0;
	va_start(args, format);
	vsnprintf(failure->text, sizeof(failure->text), format, args);
	va_end(args);
	return err;
}

static const char *const alert_names[] = {
	[0] = "close_notify",
	[10] = "unexpected_message",
	[20] = "bad_record_mac",
	[21] = "decryption_failed",
	[22] = "record_overflow",
	[30] = "decompression_failure",
	[40] = "handshake_failure",
	[41] = "no_certificate",
	[42] = "bad_certificate",
	[43] = "unsupported_certificate",
	[44] = "certificate_revoked",
	[45] = "certificate_expired",
	[46] = "certificate_unknown",
	[47] = "illegal_parameter",
	[48] = "unknown_ca",
	[49] = "access_denied",
	[50] = "decode_error",
	[51] = "decrypt_error",
	[60] = "export_restriction",
	[70] = "protocol_version",
	[71] = "insufficient_security",
	[80] = "internal_error",
	[86] = "inappropriate_fallback",
	[90] = "user_canceled",
	[100] = "no_renegotiation",
	[109] = "missing_extension",
	[110] = "unsupported_extension",
	[111] = "certificate_unobtainable",
	[112] = "unrecognized_name",
	[113] = "bad_certificate_status_response",
	[114] = "bad_certificate_hash_value",
	[115] = "unknown_psk_identity",
	[116] = "certificate_required",
	[120] = "no_application_protocol",
};

const char *
fend__tls_alert_name(int alert)
{
	if (alert < 0 || (size_t)alert >= sizeof(alert_names) / sizeof(*alert_names) ||
	    !alert_names[alert])
		return "unknown";
	return alert_names[alert];
}
